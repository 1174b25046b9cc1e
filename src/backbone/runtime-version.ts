import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Of the installed onnxruntime-node: what is built in its place must be of the same. */
export function readRuntimeVersion(): string {
  const path = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
