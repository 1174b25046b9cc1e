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
  /** When its file system does not answer for so long, the run ends, ms. */
  readonly stalledMs: number;
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

/** A file that is written over and over is taken when it stayed as it is for so long, ms. */
const settleMs = 30;

/**
 * Pictures that another program puts into a folder: each time the newest of those that stayed as they were since the look
 * before, so that half a file is not taken. What came between is left out; nothing is deleted. It is looked at and not
 * waited for, because network file systems tell nobody of new files.
 *
 * A file's name is its frame's id, but not when it was written over: a label for the one must not meet the other.
 */
export function folderRun(options: FolderRunOptions): SourceRun {
  const { path, everyMs, maxFrameBytes, stalledMs, maxFiles = 10_000 } = options;
  const ask = oneAtATime(stalledMs);
  return async (sink, signal) => {
    let taken: Seen | undefined;
    let before: ReadonlyMap<string, Seen> = new Map();
    let sinceMs = performance.now();
    while (!signal.aborted) {
      const files = await ask(() => imagesIn(path, maxFiles), signal);
      if (files === undefined) return;
      const newest = newestOf(files.values());
      const isWaiting = newest !== undefined && !same(newest, taken);
      const settled = isWaiting ? await settledOf(files, newest) : undefined;
      if (signal.aborted) return;
      if (settled !== undefined) {
        const frame = await ask(() => read(path, settled, maxFrameBytes), signal);
        if (frame !== undefined) sink.frame(settled.name === taken?.name ? { bytes: frame.bytes } : frame);
        taken = settled;
      } else if (!isWaiting) sink.works();
      if (settled !== undefined || !isWaiting) sinceMs = performance.now();
      else if (performance.now() - sinceMs > stalledMs) {
        throw appError("source/stalled", `no file in ${path} stays as it is`);
      }
      before = files;
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }

    async function settledOf(files: ReadonlyMap<string, Seen>, newest: Seen): Promise<Seen | undefined> {
      if (same(newest, before.get(newest.name))) return newest;
      const found = newestOf([...files.values()].filter((file) => same(file, before.get(file.name))));
      if (found !== undefined && (taken === undefined || isNewer(found, taken))) return found;
      if (!before.has(newest.name)) return undefined;
      await sleep(settleMs, undefined, { signal }).catch(() => {});
      const again = await ask(() => seen(path, newest.name), signal);
      return again !== undefined && same(newest, again) ? newest : undefined;
    }
  };
}

type Ask = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T | undefined>;

/**
 * Waits for a file system only so long, and not after the signal. What hangs in it holds one of the process's few
 * threads for files, which the journal needs too: nothing is begun beside it, not even in the next run.
 */
function oneAtATime(stalledMs: number): Ask {
  let hanging: Promise<unknown> = Promise.resolve();
  return async (work, signal) => {
    await within(hanging, stalledMs, signal);
    if (signal.aborted) return undefined;
    const begun = work();
    hanging = begun.catch(() => {});
    return within(begun, stalledMs, signal);
  };
}

/** Undefined after the signal. @throws AppError `source/stalled` */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const over = new AbortController();
  // Not `AbortSignal.any`: Node keeps something of each in the signal, for as long as the source lives.
  const end = (): void => over.abort();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const stalled = sleep(ms, undefined, { signal: over.signal }).then(
    () => {
      throw appError("source/stalled", `no answer of the folder for ${ms} ms`);
    },
    () => undefined,
  );
  try {
    return await Promise.race([work, stalled]);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function same(a: Seen, b: Seen | undefined): boolean {
  return a.name === b?.name && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** @throws AppError `source/folder` */
async function imagesIn(path: string, maxFiles: number): Promise<ReadonlyMap<string, Seen>> {
  const images = new Map<string, Seen>();
  let files = 0;
  try {
    for await (const { name } of await opendir(path)) {
      if (++files > maxFiles) throw appError("source/folder", `${path} has over ${maxFiles} files`);
      if (!imageEnding.test(name) || name.startsWith(".")) continue;
      const found = await seen(path, name);
      if (found !== undefined) images.set(name, found);
    }
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    throw appError("source/folder", `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return images;
}

/** Undefined for what is no file, or gone meanwhile. */
async function seen(path: string, name: string): Promise<Seen | undefined> {
  const found = await stat(join(path, name), { bigint: true }).catch(() => undefined);
  return found?.isFile() ? { name, size: Number(found.size), mtimeNs: found.mtimeNs } : undefined;
}

function newestOf(files: Iterable<Seen>): Seen | undefined {
  let newest: Seen | undefined;
  for (const file of files) if (newest === undefined || isNewer(file, newest)) newest = file;
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
