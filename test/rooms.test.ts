import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** The rooms of src/, lowest first: a room imports only itself and the rooms before it. */
const rooms = [
  "kernel",
  "settings",
  "message",
  "onnx",
  "backbone",
  "learner",
  "stream",
  "edge",
  "models",
  "scene",
  "dataset",
  "distil",
  "evaluate",
  "bench",
  "app",
  "cli",
];

const src = resolve(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** Files of src/ that a file imports, by paths relative to src/. */
function imports(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  const specifiers = [...text.matchAll(/\bfrom\s+"(\.{1,2}\/[^"]+)"|\bimport\(\s*"(\.{1,2}\/[^"]+)"\s*\)/g)];
  return specifiers.map(([, fixed, dynamic]) => relative(src, resolve(src, dirname(file), fixed ?? dynamic!)));
}

describe("the rooms of src/", () => {
  it("are all ranked", () => {
    const found = new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));
    expect([...found].filter((room) => !rooms.includes(room!))).toEqual([]);
  });

  it("import only from rooms before them", () => {
    const upward = files.flatMap((file) =>
      imports(file)
        .filter((target) => target.includes("/") && file.includes("/"))
        .filter((target) => rooms.indexOf(target.split("/")[0]!) > rooms.indexOf(file.split("/")[0]!))
        .map((target) => `${file} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it("have no cycle of files", () => {
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
        return;
      }
      if (done.has(file)) return;
      for (const target of imports(file)) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("import only files that are there", () => {
    const missing = files.flatMap((file) => imports(file).filter((target) => !files.includes(target)));
    expect(missing).toEqual([]);
  });

  it("keep Node and RxJS out of the learner and the messages", () => {
    const pure = files.filter((file) => file.startsWith("learner/") || file.startsWith("message/"));
    const impure = pure.filter((file) => /from "(node:|rxjs)/.test(readFileSync(join(src, file), "utf8")));
    // Snapshots are hashed.
    expect(impure.filter((file) => !file.startsWith("message/snapshot"))).toEqual([]);
  });
});
