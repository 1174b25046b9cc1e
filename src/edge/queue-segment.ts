import {
  closeSync,
  copyFileSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { recordParts, type Scan, scanFile } from "./record.ts";

/** What a segment's records say. */
export type QueueEntry =
  | { readonly n: number; readonly topic: string; readonly payload: Uint8Array }
  /** The broker has that one. */
  | { readonly done: number };

/** One file of the queue. Calls are synchronous: what is appended outlives the process when the call returns. */
export interface Segment {
  readonly number: number;
  readonly bytes: number;
  /** All or nothing. @throws Error of the file system */
  append(entry: QueueEntry): void;
  read(): Scan<QueueEntry>;
  empty(): void;
  /** A sync may be under way; so may it at `close`. */
  remove(): void;
  /** Makes what was appended outlive a power cut. */
  sync(): Promise<void>;
  close(): void;
}

const marker = Buffer.from("L2Q\x01", "latin1");

export function encodeEntry(entry: QueueEntry): Buffer {
  if ("done" in entry) return Buffer.concat(recordParts(marker, entry));
  const { payload, ...header } = entry;
  return Buffer.concat(recordParts(marker, header, payload));
}

function decodeEntry(header: object, payload: Uint8Array): QueueEntry | undefined {
  const { n, topic, done } = header as Readonly<Record<string, unknown>>;
  if (Number.isSafeInteger(done)) return { done: done as number };
  return Number.isSafeInteger(n) && typeof topic === "string" ? { n: n as number, topic, payload } : undefined;
}

/** Never throws, whatever the bytes are. */
export function scanEntries(bytes: Buffer): Scan<QueueEntry> {
  return scanFile(bytes, { marker, decode: decodeEntry });
}

const nameOf = (number: number): string => `${String(number).padStart(10, "0")}.log`;

/** The number in a segment's file name; null for any other file. */
export function segmentNumber(name: string): number | null {
  const digits = /^(\d{10})\.log$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** @throws Error of the file system */
export function openSegment(folder: string, number: number, onDamage: (text: string) => void): Segment {
  const path = join(folder, nameOf(number));
  const whole = scanEntries(mend(path, onDamage));
  const file = openSync(path, "a", 0o600);
  let bytes = whole.goodBytes;
  let syncs = 0;
  let isLetGo = false;

  /** A sync under way ends first: the number of a closed file may already be another's. */
  function close(): void {
    if (syncs === 0) closeSync(file);
  }

  function letGo(): void {
    isLetGo = true;
    close();
  }

  return {
    number,
    get bytes() {
      return bytes;
    },
    append(entry) {
      const record = encodeEntry(entry);
      try {
        for (let at = 0; at < record.length;) at += writeSync(file, record, at);
      } catch (error) {
        ftruncateSync(file, bytes);
        throw error;
      }
      bytes += record.length;
    },
    read: () => scanEntries(readFileSync(path)),
    empty() {
      ftruncateSync(file, 0);
      bytes = 0;
    },
    remove() {
      letGo();
      unlinkSync(path);
    },
    async sync() {
      if (isLetGo) throw new Error(`${path} was closed`);
      syncs += 1;
      try {
        await promisify(fdatasync)(file);
      } finally {
        syncs -= 1;
        if (isLetGo) close();
      }
    },
    close: letGo,
  };
}

/** @returns the file's undamaged beginning, which is all that is left in it. */
function mend(path: string, onDamage: (text: string) => void): Buffer {
  const bytes = readOrNothing(path);
  const { goodBytes, damage } = scanEntries(bytes);
  if (damage === "none") return bytes;
  const good = bytes.subarray(0, goodBytes);
  const lost = bytes.length - goodBytes;
  if (damage === "torn") synced(path, "r+", (file) => ftruncateSync(file, goodBytes));
  else keepAside(path, good);
  synced(dirname(path), "r", () => {});
  onDamage(
    `${path}: ${lost} bytes ${damage === "torn" ? "of an unfinished append were cut off" : "are damaged: the file is kept as .corrupt"}`,
  );
  return good;
}

/** INVARIANT: `path` is at every moment the damaged file or the good part of it, whole; a kill in between loses nothing. */
function keepAside(path: string, good: Buffer): void {
  const [aside, temporary] = [`${path}.corrupt`, `${path}.tmp`];
  rmSync(aside, { force: true });
  try {
    linkSync(path, aside);
  } catch {
    copyFileSync(path, aside); // a file system without links
  }
  synced(temporary, "w", (file) => writeFileSync(file, good));
  renameSync(temporary, path);
}

/** Opens, runs, and makes last. */
function synced(path: string, flags: string, run: (file: number) => void): void {
  const file = openSync(path, flags, 0o600);
  try {
    run(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function readOrNothing(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
