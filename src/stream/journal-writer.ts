import { asyncScheduler, type SchedulerLike } from "rxjs";
import type { Clock } from "../kernel/clock.ts";
import { appError, isAppError, type AppError } from "../kernel/errors.ts";
import type { Journal, JournalEntry, Log } from "./parts.ts";
import type { StreamSettings } from "./settings.ts";

export interface JournalWriterOptions {
  readonly journal: Pick<Journal, "append">;
  readonly settings: Pick<StreamSettings, "whenJournalFull" | "journalWaitMs" | "journalRetryMs">;
  readonly clock: Clock;
  readonly scheduler?: SchedulerLike;
  /** False while no more labels may be taken; batches are always written. */
  readonly hasRoom: () => boolean;
  /** Asks for a checkpoint, which makes room. */
  readonly needsRoom: () => void;
  readonly log: Log;
}

/** `closed`: the pipeline stopped first, and nothing is known about the entries. */
export type Written = "written" | "closed";

/**
 * Puts entries on disk in the order in which they came. What came while the disk was busy goes in one append (one
 * fsync); nothing is ever delayed to make a group larger. Labels that find no room wait in their order for
 * `journalWaitMs`; entries of the learning (`urgent`) pass them and are tried until they are written.
 */
export interface JournalWriter {
  /** @throws AppError `journal/full`, `journal/io`, `label/overflow` when labels found no room in time */
  append(entries: readonly JournalEntry[], urgent?: "urgent"): Promise<Written>;
  /** Appends that wait. */
  readonly waiting: number;
  close(): void;
}

interface Job {
  readonly entries: readonly JournalEntry[];
  readonly sinceMs: number;
  readonly done: (written: Written) => void;
  readonly failed: (error: AppError) => void;
}

export function journalWriter(options: JournalWriterOptions): JournalWriter {
  const { journal, settings, clock, scheduler = asyncScheduler, hasRoom, needsRoom, log } = options;
  const urgent: Job[] = [];
  const line: Job[] = [];
  let busy = false;
  let closed = false;
  let retryAtMs = 0;

  /** Writes the jobs in one append, or one by one up to the first that fails. */
  async function write(jobs: readonly Job[]): Promise<{ readonly written: number; readonly error: AppError | null }> {
    try {
      await journal.append(jobs.flatMap(({ entries }) => entries));
      return { written: jobs.length, error: null };
    } catch (cause) {
      const error = isAppError(cause) ? cause : appError("journal/io", "the journal failed", { cause });
      if (jobs.length === 1 || error.code !== "journal/full") return { written: 0, error };
    }
    for (const [i, job] of jobs.entries()) {
      const { error } = await write([job]);
      if (error !== null) return { written: i, error };
    }
    return { written: jobs.length, error: null };
  }

  async function serve(queue: Job[]): Promise<void> {
    const full = queue === line && !hasRoom();
    const error = full ? appError("label/overflow", "too many labels wait to be learned") : await writeAll(queue);
    if (error === null || queue.length === 0) return;
    if (!full) {
      log("warn", "the journal took no entry; trying again", error);
      needsRoom();
    }
    const waitedMs = clock.monotonicMs() - queue[0]!.sinceMs;
    if (queue === line && settings.whenJournalFull === "reject" && waitedMs >= settings.journalWaitMs) {
      queue.shift()!.failed(error);
      return;
    }
    retryAtMs = clock.monotonicMs() + settings.journalRetryMs;
    scheduler.schedule(() => void pump(), settings.journalRetryMs);
  }

  async function writeAll(queue: Job[]): Promise<AppError | null> {
    const jobs = [...queue];
    const { written, error } = await write(jobs);
    // Nobody else takes from the queue meanwhile (`busy`); `close` empties it.
    for (const job of jobs.slice(0, written)) job.done("written");
    queue.splice(0, written);
    return error;
  }

  /** INVARIANT: one append at a time. Batches first: they are what makes room for labels. */
  async function pump(): Promise<void> {
    if (busy) return;
    busy = true;
    const isRetry = (): boolean => clock.monotonicMs() < retryAtMs;
    while (!closed && !isRetry() && urgent.length + line.length > 0) await serve(urgent.length > 0 ? urgent : line);
    busy = false;
  }

  return {
    append: (entries, lane) =>
      new Promise((done, failed) => {
        if (closed) return done("closed");
        const queue = lane === "urgent" ? urgent : line;
        queue.push({ entries, sinceMs: clock.monotonicMs(), done, failed });
        // A fresh batch is tried at once, even while labels wait for room.
        if (lane === "urgent" && urgent.length === 1) retryAtMs = 0;
        void pump();
      }),
    get waiting() {
      return urgent.length + line.length;
    },
    close() {
      closed = true;
      for (const job of [...urgent.splice(0), ...line.splice(0)]) job.done("closed");
    },
  };
}
