import { appError } from "../kernel/errors.ts";
import type { Journal, JournalEntry, Log } from "../stream/parts.ts";
import { openJournalFile } from "./journal-file.ts";
import { keepOpen } from "./journal-open.ts";
import { encodeRecord, type JournalRecord, scanRecords } from "./journal-record.ts";
import { emptyRoom, fits, type Room, roomWith } from "./journal-room.ts";

export interface FileJournalOptions {
  /** Created where it is missing. One process at a time: see `lockState`. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly log: Log;
}

interface Append {
  readonly records: readonly JournalRecord[];
  readonly parts: readonly Uint8Array[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The journal in one append-only file. Appends that wait for the disk share one write and one fsync. An append that
 * failed left nothing behind. `recover` and `cut` hold the file in memory, at most `maxBytes`.
 * A frame given to `append` must not change until it resolves.
 * @throws AppError `journal/io`; damage to the file is mended, told through `log`, and never thrown.
 */
export async function openFileJournal(options: FileJournalOptions): Promise<Journal> {
  const { folder, log } = options;
  const file = await openJournalFile(folder);
  let room: Room = emptyRoom;
  let waiting: Append[] = [];
  let closing: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** INVARIANT: one at a time touches the file, in the order of the calls. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = last.then(run);
    last = result.catch(() => undefined);
    return result;
  }

  function whileOpen<T>(run: () => Promise<T>): Promise<T> {
    if (closing === undefined) return run();
    return Promise.reject(appError("journal/io", "the journal is closed"));
  }

  /** The undamaged entries; what is damaged is gone from the file afterwards. */
  async function load(): Promise<readonly JournalEntry[]> {
    const bytes = await file.read();
    const { records, goodBytes, damage } = scanRecords(bytes);
    const lost = bytes.length - goodBytes;
    if (damage === "torn") {
      await file.truncate(goodBytes);
      log("warn", `the journal's last append was not finished: ${lost} bytes were cut off`);
    } else if (damage === "corrupt") {
      const aside = await file.setAside(goodBytes);
      log("error", `the journal is damaged after ${records.length} entries: ${lost} bytes were set aside in ${aside}`);
    }
    room = roomWith(emptyRoom, records);
    return records.map(({ entry }) => entry);
  }

  async function commit(): Promise<void> {
    const group = waiting;
    waiting = [];
    let next = room;
    const admitted: Append[] = [];
    for (const append of group) {
      const grown = roomWith(next, append.records);
      if (fits(next, grown, options.maxBytes)) {
        next = grown;
        admitted.push(append);
      } else append.failed(appError("journal/full", `the journal has ${file.sizeBytes} of ${options.maxBytes} bytes`));
    }
    try {
      const bytes = Buffer.concat(admitted.flatMap(({ parts }) => parts));
      if (bytes.length > 0) await file.append(bytes);
    } catch (error) {
      for (const { failed } of admitted) failed(error);
      return;
    }
    room = next;
    for (const { done } of admitted) done();
  }

  async function cut(through: number): Promise<void> {
    const kept = keepOpen(await load(), through).map(recordOf);
    const keptRoom = roomWith(
      emptyRoom,
      kept.map(({ record }) => record),
    );
    // Nothing to gain: a rewrite would only wear the disk.
    if (file.sound && keptRoom.labels + keptRoom.outcomes >= file.sizeBytes) return;
    await file.replace(kept.flatMap(({ parts }) => parts));
    room = keptRoom;
  }

  try {
    await load();
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    append: (entries) =>
      whileOpen(
        () =>
          new Promise((done, failed) => {
            const encoded = entries.map(recordOf);
            const records = encoded.map(({ record }) => record);
            waiting.push({ records, parts: encoded.flatMap(({ parts }) => parts), done, failed });
            if (waiting.length === 1) void inTurn(commit);
          }),
      ),
    recover: () => whileOpen(() => inTurn(async () => (await load()).map(ownFrame))),
    cut: (poolVersion) => whileOpen(() => inTurn(() => cut(poolVersion))),
    get sizeBytes() {
      return file.sizeBytes;
    },
    close: () => (closing ??= inTurn(() => file.close())),
  };
}

function recordOf(entry: JournalEntry): { readonly record: JournalRecord; readonly parts: readonly Uint8Array[] } {
  const parts = encodeRecord(entry);
  return { record: { entry, bytes: parts.reduce((sum, part) => sum + part.length, 0) }, parts };
}

/** A frame that keeps only itself in memory, not the whole file, and may be transferred to a thread. */
function ownFrame(entry: JournalEntry): JournalEntry {
  return "frame" in entry && entry.frame !== undefined ? { ...entry, frame: new Uint8Array(entry.frame) } : entry;
}
