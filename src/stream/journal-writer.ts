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
  /** Nothing is learned that would make room: then no label is held, or `resume-learning` would wait behind it. */
  readonly isPaused: () => boolean;
  /** Asks for a checkpoint, which makes room. */
  readonly needsRoom: () => void;
  readonly log: Log;
}

/** `closed`: the pipeline stopped first, and nothing is known about the entries. */
export type Written = "written" | "closed";

/**
 * Lanes to the disk, first things first: `batch` (what is learned, dropped: it makes room, and is tried until it is
 * written), `frame` (of labels that are on disk), `label`. Each keeps its order, and none waits for a later one.
 */
export type JournalLane = "batch" | "frame" | "label";

/**
 * Puts entries on disk. What came while the disk was busy goes in one append (one fsync) a lane; nothing is ever
 * delayed to make a group larger. Labels and frames that find no room for `journalWaitMs` fail, or are held.
 */
export interface JournalWriter {
  /** @throws AppError `journal/full`, `journal/io`, `label/overflow`; never in the lane `batch` */
  append(entries: readonly JournalEntry[], lane: JournalLane): Promise<Written>;
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

interface Lane {
  readonly name: JournalLane;
  readonly jobs: Job[];
  /** After a failure the lane is not tried until the timer, or something new in an earlier lane, lifts this. */
  blocked: boolean;
}

export function journalWriter(options: JournalWriterOptions): JournalWriter {
  const { journal, settings, clock, scheduler = asyncScheduler, hasRoom, isPaused, needsRoom, log } = options;
  const lanes: readonly Lane[] = (["batch", "frame", "label"] as const).map((name) => ({
    name,
    jobs: [],
    blocked: false,
  }));
  const next = (): Lane | undefined => lanes.find(({ jobs, blocked }) => jobs.length > 0 && !blocked);
  const waiting = (): number => lanes.reduce((sum, { jobs }) => sum + jobs.length, 0);
  let busy = false;
  let closed = false;
  /** Told once, until an entry is written again. */
  let toldFault: string | undefined;

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

  async function writeLane({ jobs }: Lane): Promise<AppError | null> {
    if (jobs[0]?.entries[0]?.kind === "label" && !hasRoom()) {
      return appError("label/overflow", "too many labels wait to be learned");
    }
    const group = [...jobs];
    const { written, error } = await write(group);
    // Nobody else takes from the lane meanwhile (`busy`); `close` empties it.
    for (const job of group.slice(0, written)) job.done("written");
    jobs.splice(0, written);
    if (written > 0) toldFault = undefined;
    if (error !== null) {
      if (toldFault !== error.code) log("warn", "the journal took no entry; trying again", error);
      toldFault = error.code;
      needsRoom();
    }
    return error;
  }

  async function serve(lane: Lane): Promise<void> {
    const error = await writeLane(lane);
    const head = lane.jobs[0];
    if (error === null || head === undefined) return;
    const isOver = clock.monotonicMs() - head.sinceMs >= settings.journalWaitMs;
    const mayHold = settings.whenJournalFull === "hold" && !(error.code === "label/overflow" && isPaused());
    if (lane.name !== "batch" && !mayHold && isOver) {
      lane.jobs.shift();
      return head.failed(error);
    }
    lane.blocked = true;
    scheduler.schedule(retry, settings.journalRetryMs);
  }

  /** INVARIANT: one append at a time. */
  async function pump(): Promise<void> {
    if (busy) return;
    busy = true;
    for (let lane = next(); lane !== undefined; lane = next()) await serve(lane);
    busy = false;
  }

  function retry(): void {
    for (const lane of lanes) lane.blocked = false;
    void pump();
  }

  return {
    append: (entries, name) =>
      new Promise((done, failed) => {
        if (closed) return done("closed");
        const lane = lanes.find((one) => one.name === name)!;
        lane.jobs.push({ entries, sinceMs: clock.monotonicMs(), done, failed });
        if (name === "batch") retry();
        else void pump();
      }),
    get waiting() {
      return waiting();
    },
    close() {
      closed = true;
      for (const { jobs } of lanes) for (const job of jobs.splice(0)) job.done("closed");
    },
  };
}
