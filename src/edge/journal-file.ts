import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { appError } from "../kernel/errors.ts";
import { syncFolder } from "./durable-file.ts";

/** A file that grows at its end only, and whose end is known: what was not acknowledged is not there. One call at a time. */
export interface JournalFile {
  readonly sizeBytes: number;
  read(): Promise<Buffer>;
  /** One write, one fsync: all or nothing. @throws AppError `journal/io` */
  append(bytes: Uint8Array): Promise<void>;
  /** Puts what lies behind `sizeBytes` aside in a file of its own, then cuts it off. @returns that file's name */
  setAside(sizeBytes: number): Promise<string>;
  truncate(sizeBytes: number): Promise<void>;
  /** New content, or, after a crash in the middle, the old. Heals a file whose end was not known. */
  replace(parts: readonly Uint8Array[]): Promise<void>;
  /** False after a failure that could not be undone: `append` throws until `replace` succeeds. */
  readonly sound: boolean;
  close(): Promise<void>;
}

const name = "journal.log";
/** Of files set aside, the newest are kept. */
const maxAside = 4;
const writeAtOnceBytes = 2 ** 20;

/** @throws AppError `journal/io` */
export async function openJournalFile(folder: string): Promise<JournalFile> {
  const path = join(folder, name);
  const temporary = `${path}.tmp`;
  let handle = await io(`open ${path}`, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Left by a crash in the middle of `replace`, before the rename: the old file counts.
    await rm(temporary, { force: true });
    const opened = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await syncFolder(folder);
    return opened;
  });
  let sizeBytes = await io(`read ${path}`, async () => (await handle.stat()).size);
  let sound = true;

  const read = (): Promise<Buffer> => io(`read ${path}`, async () => (await readFile(path)).subarray(0, sizeBytes));

  async function truncate(to: number): Promise<void> {
    const wasSound = sound;
    sound = false;
    await io(`shorten ${path}`, async () => {
      await handle.truncate(to);
      await handle.sync();
    });
    sizeBytes = to;
    sound = wasSound;
  }

  async function append(bytes: Uint8Array): Promise<void> {
    if (!sound) throw appError("journal/io", `${path} failed before and takes nothing until the next checkpoint`);
    try {
      await writeAt(handle, bytes, sizeBytes);
      await handle.datasync();
    } catch (cause) {
      await truncate(sizeBytes).catch(() => undefined);
      throw appError("journal/io", `cannot write ${path}`, { cause });
    }
    sizeBytes += bytes.length;
  }

  async function setAside(from: number): Promise<string> {
    const aside = await io(`set aside the damaged part of ${path}`, async () => {
      const tail = (await read()).subarray(from);
      const before = await asideNumbers(folder);
      const number = (before.at(-1) ?? 0) + 1;
      await (await writeNew(join(folder, asideName(number)), [tail])).close();
      await syncFolder(folder);
      for (const old of before.slice(0, -(maxAside - 1))) await rm(join(folder, asideName(old)), { force: true });
      return asideName(number);
    });
    await truncate(from);
    return aside;
  }

  async function replace(parts: readonly Uint8Array[]): Promise<void> {
    await io(`rewrite ${path}`, async () => {
      let next: FileHandle | undefined;
      try {
        next = await writeNew(temporary, parts);
        await rename(temporary, path);
      } catch (error) {
        await next?.close().catch(() => undefined);
        await rm(temporary, { force: true }).catch(() => undefined);
        throw error;
      }
      const old = handle;
      handle = next;
      sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
      // Until the folder is on disk, a crash brings the old file back, without what is appended now.
      sound = false;
      await old.close().catch(() => undefined);
      await syncFolder(folder);
      sound = true;
    });
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get sound() {
      return sound;
    },
    read,
    append,
    setAside,
    truncate,
    replace,
    close: () => io(`close ${path}`, () => handle.close()),
  };
}

async function io<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw appError("journal/io", `cannot ${what}`, { cause });
  }
}

/** A write may be cut short without an error, for example by a signal or at a full disk. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error("the disk took no bytes");
    done += bytesWritten;
  }
}

/** A new file with its content on disk; the folder is not yet. */
async function writeNew(path: string, parts: readonly Uint8Array[]): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    let position = 0;
    let group: Uint8Array[] = [];
    let groupBytes = 0;
    for (const [i, part] of parts.entries()) {
      group.push(part);
      groupBytes += part.length;
      if (groupBytes < writeAtOnceBytes && i + 1 < parts.length) continue;
      await writeAt(handle, Buffer.concat(group), position);
      position += groupBytes;
      group = [];
      groupBytes = 0;
    }
    await handle.sync();
    return handle;
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
}

const asideName = (number: number): string => `journal.${number}.corrupt`;

/** Ascending. */
async function asideNumbers(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).map((file) => Number(/^journal\.(\d+)\.corrupt$/.exec(file)?.[1] ?? 0));
  return numbers.filter((number) => number > 0).toSorted((a, b) => a - b);
}
