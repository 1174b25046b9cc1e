import { appError, isAppError } from "../kernel/errors.ts";
import type { Learner } from "../learner/types.ts";
import type { PrequentialAccuracy } from "./accuracy.ts";
import type { Asker } from "./ask.ts";
import type { Snapshot } from "./checkpoint.ts";
import type { DriftMonitor } from "./drift.ts";
import type { LabelMemory } from "./label-memory.ts";
import type { Log } from "./parts.ts";
import type { SnapshotReason } from "./snapshot-policy.ts";
import type { Turn } from "./turn.ts";

export interface SnapshotParts {
  readonly turn: Turn;
  readonly learner: Pick<Learner, "poolVersion" | "labels" | "save" | "saveCompact">;
  readonly memory: LabelMemory;
  readonly accuracy: PrequentialAccuracy;
  readonly asker: Pick<Asker, "save">;
  readonly drift: Pick<DriftMonitor, "save">;
  readonly progress: { readonly through: number };
  readonly paused: () => boolean;
  readonly log: Log;
}

export interface Snapshots {
  /** Between two batches; none when the learner could not be saved. */
  take(reason: SnapshotReason): Promise<readonly Snapshot[]>;
  /**
   * Resolves when the next snapshot that is taken is on disk: it contains all that was done before this call.
   * @throws AppError `command/not-durable` when it was not written
   */
  durable(): Promise<void>;
}

export function snapshots(parts: SnapshotParts): Snapshots {
  const { turn, learner, memory, accuracy, drift, progress, paused, log } = parts;
  let waiting: Snapshot["settle"][] = [];

  /** Who waits now is served by the snapshot that is taken now, and by no other. */
  function settler(): Snapshot["settle"] {
    const served = waiting;
    waiting = [];
    return (failure) => {
      for (const settle of served.splice(0)) settle(failure);
    };
  }

  function snapshot(reason: SnapshotReason): Snapshot {
    const { through } = progress;
    const rest = { memory: memory.save(), accuracy: accuracy.save(), paused: paused(), drift: drift.save() };
    return {
      reason,
      state: learner.save(),
      compact: learner.saveCompact(),
      poolVersion: learner.poolVersion,
      labels: [...learner.labels],
      accuracy: accuracy.read(),
      stream: { v: 1, through, ...rest, asker: parts.asker.save() },
      through,
      settle: settler(),
    };
  }

  return {
    take: (reason) =>
      turn
        .run("command", () => [snapshot(reason)])
        .catch((error: unknown) => {
          log("error", "no snapshot could be taken", error);
          settler()(error);
          return [];
        }),
    durable: () =>
      new Promise((resolve, reject) => {
        waiting.push((cause) => {
          if (cause === undefined) return resolve();
          const why = isAppError(cause) ? `: ${cause.code}: ${cause.message}` : "";
          const detail = `it is done, but no checkpoint was written, and a restart may undo it${why}`;
          reject(appError("command/not-durable", detail, { cause }));
        });
      }),
  };
}
