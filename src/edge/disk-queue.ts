import { mkdirSync, readdirSync } from "node:fs";
import { appError } from "../kernel/errors.ts";
import type { Log } from "../stream/parts.ts";
import { syncFolder } from "./durable-file.ts";
import { encodeEntry, openSegment, type Segment, segmentNumber } from "./queue-segment.ts";

export interface DiskQueueOptions {
  /** Created where it is missing. One process at a time: see `lockState`. */
  readonly folder: string;
  readonly maxBytes: number;
  /** Read at each use. `drop-oldest` drops a file of messages at a time, an eighth of `maxBytes`. */
  readonly whenFull: "drop-oldest" | "drop-newest";
  readonly log: Log;
}

export interface QueuedMessage {
  readonly n: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * Messages on disk until the broker has them, first in, first out. Over a restart all come again that were not `done`,
 * and perhaps the last ones that were.
 */
export interface DiskQueue {
  /** When it returns, the message outlives the process; after `sync`, a power cut. @throws AppError `queue/io`, `queue/full` */
  push(topic: string, payload: Uint8Array): void;
  /** The oldest that was not taken yet. @throws AppError `queue/io` for a file that cannot be read, which the next call passes over */
  take(): QueuedMessage | undefined;
  /** The message needs not be kept any more. */
  done(n: number): void;
  /** The same, and it counts as dropped: the broker will never have it. */
  drop(n: number): void;
  sync(): Promise<void>;
  close(): void;
  readonly messages: number;
  readonly bytes: number;
  /** Since the start. */
  readonly dropped: number;
}

interface Part {
  readonly file: Segment;
  /** Numbers of its messages; `last` is below `first` while it has none. */
  first: number;
  last: number;
  /** Of them, those not done. */
  open: number;
}

/** The queue is cut into so many files at most. */
const parts = 8;

/** @throws AppError `queue/io`; damage is mended, told through `log`, and never thrown */
export function openDiskQueue(options: DiskQueueOptions): DiskQueue {
  const { folder, maxBytes, log } = options;
  /** Oldest first; the last one grows. Never empty. */
  const segments: Part[] = [];
  /** Done in an earlier process. */
  const doneBefore = new Set<number>();
  /** Read, and not taken yet. */
  let ready: QueuedMessage[] = [];
  /** Up to this segment all was read. */
  let readThrough = -1;
  let next = 1;
  let dropped = 0;
  /** The last `done` could not be written: told once, until one can be. */
  let hadFault = false;

  const tail = (): Part => segments.at(-1)!;
  const bytes = (): number => segments.reduce((sum, { file }) => sum + file.bytes, 0);
  const messages = (): number => segments.reduce((sum, { open }) => sum + open, 0);
  const grow = (number: number): number =>
    segments.push({
      file: openSegment(folder, number, (text) => log("warn", text)),
      first: next,
      last: next - 1,
      open: 0,
    });

  function recover(): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const numbers = readdirSync(folder).flatMap((name) => segmentNumber(name) ?? []);
    for (const number of numbers.toSorted((a, b) => a - b)) {
      grow(number);
      for (const { entry } of readable(tail())) {
        if ("done" in entry) {
          doneBefore.add(entry.done);
          next = Math.max(next, entry.done + 1);
        } else {
          if (tail().open === 0) tail().first = entry.n;
          tail().last = entry.n;
          tail().open += 1;
          next = Math.max(next, entry.n + 1);
        }
      }
    }
    if (segments.length === 0) grow(0);
    for (const part of segments) for (const n of doneBefore) if (part.first <= n && n <= part.last) part.open -= 1;
    shrink();
  }

  /** Nothing of a file on a bad sector: a node must start, whatever became of results that nobody fetched. */
  function readable({ file }: Part): ReturnType<Segment["read"]>["records"] {
    try {
      return file.read().records;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EIO") throw error;
      log("error", `a file of the queue in ${folder} cannot be read, and its results are not sent`, error);
      return [];
    }
  }

  /** Lets go of what is done: whole files from the front; the last one is emptied. */
  function shrink(): void {
    while (segments.length > 1 && segments[0]!.open === 0) segments.shift()!.file.remove();
    const only = segments[0]!;
    if (segments.length > 1 || only.open > 0 || only.file.bytes === 0) return;
    only.file.empty();
    doneBefore.clear();
  }

  function dropOldest(): void {
    const oldest = segments.shift()!;
    dropped += oldest.open;
    ready = ready.filter(({ n }) => n > oldest.last);
    oldest.file.remove();
  }

  function makeRoom(size: number): void {
    const isFull = (): boolean => bytes() + size > maxBytes;
    if (tail().file.bytes > 0 && tail().file.bytes + size > maxBytes / parts) {
      if (!isFull() || options.whenFull === "drop-oldest") grow(tail().file.number + 1);
    }
    if (options.whenFull === "drop-oldest") while (isFull() && segments.length > 1) dropOldest();
    if (!isFull()) return;
    dropped += 1;
    throw appError("queue/full", `${messages()} messages wait in ${folder}`);
  }

  function readOn(): void {
    const part = segments.find(({ file }) => file.number > readThrough);
    if (part === undefined) return;
    readThrough = part.file.number;
    const found = part.file.read().records.flatMap(({ entry }) => ("done" in entry ? [] : [entry]));
    ready = found.filter(({ n }) => !doneBefore.has(n));
  }

  /** False when it was dropped meanwhile. */
  function done(n: number): boolean {
    const part = segments.find(({ first, last }) => first <= n && n <= last);
    if (part === undefined) return false;
    part.open -= 1;
    const unnoted = faultOf(() => tail().file.append({ done: n }));
    // On a full disk as well: what is let go of is what makes room again.
    const fault = faultOf(shrink) ?? unnoted;
    if (fault !== undefined && !hadFault) {
      log("warn", `the queue in ${folder} could not be shortened: a restart sends messages again`, fault);
    }
    hadFault = fault !== undefined;
    return true;
  }

  io(`open the queue in ${folder}`, recover);
  return {
    push(topic, payload) {
      const entry = { n: next, topic, payload };
      const size = encodeEntry(entry).length;
      io(`write to the queue in ${folder}`, () => {
        makeRoom(size);
        tail().file.append(entry);
      });
      next += 1;
      const part = tail();
      if (part.last < part.first) part.first = entry.n;
      part.last = entry.n;
      part.open += 1;
      if (readThrough >= part.file.number) ready.push(entry);
    },
    take() {
      while (ready.length === 0 && readThrough < tail().file.number) io(`read the queue in ${folder}`, readOn);
      return ready.shift();
    },
    done: (n) => void done(n),
    drop(n) {
      if (done(n)) dropped += 1;
    },
    async sync() {
      if (messages() === 0) return;
      await Promise.all(segments.slice(-2).map(({ file }) => file.sync()));
      await syncFolder(folder);
    },
    close() {
      for (const { file } of segments) file.close();
    },
    get messages() {
      return messages();
    },
    get bytes() {
      return bytes();
    },
    get dropped() {
      return dropped;
    },
  };
}

function io(what: string, run: () => void): void {
  try {
    run();
  } catch (cause) {
    if (cause instanceof Error && cause.name === "AppError") throw cause;
    throw appError("queue/io", `cannot ${what}`, { cause });
  }
}

function faultOf(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
