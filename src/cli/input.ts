import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { appError } from "../kernel/errors.ts";

/** A file's bytes, or with `-` those of standard input. @throws AppError `file/unreadable` */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return path === "-" ? await buffer(process.stdin) : await readFile(path);
  } catch (cause) {
    throw appError("file/unreadable", `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
