import { join } from "node:path";
import { openFileJournal } from "../edge/file-journal.ts";
import { fileStore } from "../edge/file-store.ts";
import { lockState } from "../edge/state-lock.ts";
import type { SnapshotStore } from "../edge/store.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import type { Learner } from "../learner/types.ts";
import { encodeCheckpoint } from "../message/checkpoint.ts";
import { requireModel, type SnapshotAbout } from "../message/snapshot-about.ts";
import { readStreamState, type Snapshot } from "../stream/checkpoint.ts";
import type { Journal, JournalEntry, Log } from "../stream/parts.ts";

export interface DurableStateOptions {
  readonly folder: string;
  /** Both read at each use. */
  readonly keep: number;
  readonly journalMaxBytes: number;
  readonly log: Log;
}

/** The backbone that a saved state belongs to. */
export interface ModelIdentity {
  readonly modelId: string;
  readonly modelName: string;
}

/** What survives a restart: checkpoints, and the journal of what came after the last one. One process at a time. */
export interface DurableState {
  readonly journal: Journal;
  /** What the last run left in the journal. */
  readonly recovered: readonly JournalEntry[];
  readonly store: SnapshotStore;
  /**
   * Puts the newest checkpoint into the learner. @returns the stream's part of it; null when there is none.
   * @throws AppError `snapshot/model-mismatch`, `learner/state`: this folder belongs to another model or other settings
   */
  restoreInto(learner: Learner, model: ModelIdentity): Promise<{ readonly stream: unknown } | null>;
  /** Puts one checkpoint of the store into the learner. @throws AppError `store/not-found`, and as `restoreInto` */
  restoreNamed(name: string, learner: Learner, model: ModelIdentity): Promise<void>;
  /**
   * Writes a checkpoint, then cuts the journal of what the checkpoint before it contains: in this order, so that a crash
   * between them only repeats work. The snapshot is settled as soon as its checkpoint is written or failed. A snapshot that was asked for by a full journal cuts all that it contains itself.
   */
  save(snapshot: Snapshot, of: ModelIdentity & { readonly node: string }): Promise<SnapshotAbout>;
  /** Writes what a learner begins with that took it from elsewhere: a replay must begin with the same. */
  saveStart(learner: Learner, of: ModelIdentity & { readonly node: string }): Promise<void>;
  close(): Promise<void>;
}

/** @throws AppError `state/locked`, `journal/io`, `store/io` */
export async function openDurableState(options: DurableStateOptions): Promise<DurableState> {
  const { folder, log } = options;
  const lock = await lockState(folder);
  try {
    const store = await fileStore({
      folder: join(folder, "checkpoints"),
      get keep() {
        return options.keep;
      },
      log,
    });
    const journal = await openFileJournal({
      folder: join(folder, "journal"),
      get maxBytes() {
        return options.journalMaxBytes;
      },
      log,
    });
    const recovered = await journal.recover();
    /** What the checkpoint before the newest contains. */
    let before = 0;
    return {
      journal,
      recovered,
      store,
      async restoreInto(learner, model) {
        const latest = await store.latest();
        if (latest === null) return null;
        const { about, state, stream } = latest.checkpoint;
        requireModel(about, model);
        restore(learner, state, latest.name);
        before = readStreamState(stream)?.through ?? 0;
        return { stream };
      },
      async restoreNamed(name, learner, model) {
        const { about, state } = await store.read(name);
        requireModel(about, model);
        restore(learner, state, name);
      },
      async save(snapshot, of) {
        const { state, stream, poolVersion, reason, accuracy, through } = snapshot;
        const createdAt = new Date().toISOString();
        const about = { ...of, createdAt, poolVersion, reason, accuracy: accuracy.combined.windowed };
        try {
          await store.save(encodeCheckpoint({ about, state, stream }), about);
        } catch (error) {
          snapshot.settle(error);
          throw error;
        }
        snapshot.settle();
        // Up to the checkpoint before: should this one be damaged, that one and the journal still make it up.
        const makesRoom = options.keep < 2 || reason === "journal";
        const cutTo = makesRoom ? through : before;
        before = through;
        // The checkpoint is there, whatever becomes of this: a longer journal only repeats work.
        await journal.cut(cutTo).catch((error: unknown) => log("warn", "the journal was not shortened", error));
        return about;
      },
      async saveStart(learner, of) {
        const { poolVersion } = learner;
        const about = { ...of, createdAt: new Date().toISOString(), poolVersion, reason: "warm-start", accuracy: null };
        await store.save(encodeCheckpoint({ about, state: learner.save(), stream: null }), about);
      },
      async close() {
        await journal.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function restore(learner: Learner, state: Parameters<Learner["restore"]>[0], name: string): void {
  try {
    learner.restore(state);
  } catch (cause) {
    if (!isAppError(cause, "learner/state")) throw cause;
    throw appError("learner/state", `checkpoint ${name}: ${cause.message}`, { cause });
  }
}
