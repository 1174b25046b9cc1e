import { existsSync } from "node:fs";
import { resolve } from "node:path";

const folder = resolve(process.env["L2P_TEST_DATA"] ?? resolve(import.meta.dirname, "../../../shared"));

/** The folder with `models/` and `data/`, or undefined on a machine without it. */
export const sharedData: string | undefined = existsSync(resolve(folder, "models")) ? folder : undefined;

/** A path inside the shared folder; only to be called where `sharedData` is there. */
export function sharedPath(...parts: string[]): string {
  return resolve(folder, ...parts);
}

/** For a test's title where it is skipped. */
export const needsSharedData = "needs shared models and data (set L2P_TEST_DATA)";
