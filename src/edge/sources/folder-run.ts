import { open, opendir, stat } from "node:fs/promises";
import { join, parse } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { appError, isAppError } from "../../kernel/errors.ts";
import type { SourceFrame, SourceRun } from "./source.ts";

export interface FolderRunOptions {
  readonly path: string;
  /** How often it is looked at, ms. */
  readonly everyMs: number;
  readonly maxFrameBytes: number;
  /** Files in the folder that are looked at; more are a fault. */
  readonly maxFiles?: number;
}

/** One state of a file: another size or time is another picture. */
interface Seen {
  readonly name: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

const imageEnding = /\.(jpe?g|png|webp)$/i;
const id = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Pictures that another program puts into a folder: each time the newest, when it stayed as it was since the look
 * before, so that half a file is not taken. What came between is left out; nothing is deleted. It is looked at and not
 * waited for, because network file systems tell nobody of new files.
 */
export function folderRun({ path, everyMs, maxFrameBytes, maxFiles = 10_000 }: FolderRunOptions): SourceRun {
  return async (sink, signal) => {
    let taken: Seen | undefined;
    let before: Seen | undefined;
    while (!signal.aborted) {
      const newest = await newestIn(path, maxFiles);
      if (newest === undefined || same(newest, taken)) sink.works();
      else if (same(newest, before)) {
        const frame = await read(path, newest, maxFrameBytes);
        if (frame !== undefined) sink.frame(frame);
        taken = newest;
      }
      before = newest;
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  };
}

function same(a: Seen, b: Seen | undefined): boolean {
  return a.name === b?.name && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** @throws AppError `source/folder` */
async function newestIn(path: string, maxFiles: number): Promise<Seen | undefined> {
  let newest: Seen | undefined;
  let files = 0;
  try {
    for await (const { name } of await opendir(path)) {
      if (++files > maxFiles) throw appError("source/folder", `${path} has over ${maxFiles} files`);
      if (!imageEnding.test(name) || name.startsWith(".")) continue;
      const found = await stat(join(path, name), { bigint: true }).catch(() => undefined); // gone meanwhile
      if (!found?.isFile()) continue;
      const seen = { name, size: Number(found.size), mtimeNs: found.mtimeNs };
      if (newest === undefined || isNewer(seen, newest)) newest = seen;
    }
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    throw appError("source/folder", `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return newest;
}

function isNewer(a: Seen, b: Seen): boolean {
  return a.mtimeNs > b.mtimeNs || (a.mtimeNs === b.mtimeNs && a.name > b.name);
}

/** Undefined: it went away, or changes again. @throws AppError `source/too-large` */
async function read(folder: string, { name, size }: Seen, maxFrameBytes: number): Promise<SourceFrame | undefined> {
  if (size > maxFrameBytes) {
    throw appError("source/too-large", `${join(folder, name)} has ${size} bytes, at most ${maxFrameBytes}`);
  }
  const file = await open(join(folder, name)).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = new Uint8Array(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    if (bytesRead < size || size === 0) return undefined;
    const frameId = parse(name).name;
    return id.test(frameId) ? { bytes, frameId } : { bytes };
  } finally {
    await file.close();
  }
}
