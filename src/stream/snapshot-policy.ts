import { interval, Observable, type OperatorFunction, type SchedulerLike } from "rxjs";

/** Why a snapshot is taken. `journal`: it is full, and a checkpoint lets it be cut. */
export type SnapshotReason = "learned" | "interval" | "drift" | "command" | "journal" | "stop";

/** What the policy hears of. */
export type SnapshotCue =
  | { readonly kind: "drift" | "command" | "journal" }
  /** A batch was learned: so many labels. */
  | { readonly kind: "learned"; readonly count: number };

export interface SnapshotPolicyOptions {
  /** 0: never for this reason. */
  readonly snapshotEveryLearned: number;
  /** When something was learned since the last one; 0: never for this reason. */
  readonly snapshotEveryMs: number;
  readonly scheduler: SchedulerLike;
}

/**
 * When to take a snapshot: every N learned, every T, on drift, on command, and at the end.
 * ```
 * // in   -l-l-l--d--l---------|   N 3
 * // out  -----n--d------t----(s|)
 * ```
 */
export function snapshotPolicy(options: SnapshotPolicyOptions): OperatorFunction<SnapshotCue, SnapshotReason> {
  const { snapshotEveryLearned, snapshotEveryMs, scheduler } = options;
  return (source) =>
    new Observable((subscriber) => {
      let learned = 0;
      const take = (reason: SnapshotReason): void => {
        learned = 0;
        subscriber.next(reason);
      };
      const subscription = source.subscribe({
        next(cue) {
          // A checkpoint empties the journal of what was learned since the last one only.
          if (cue.kind === "journal" && learned === 0) return;
          if (cue.kind !== "learned") return take(cue.kind);
          learned += cue.count;
          if (snapshotEveryLearned > 0 && learned >= snapshotEveryLearned) take("learned");
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          take("stop");
          subscriber.complete();
        },
      });
      if (snapshotEveryMs > 0) {
        const tick = (): void => {
          if (learned > 0) take("interval");
        };
        subscription.add(interval(snapshotEveryMs, scheduler).subscribe(tick));
      }
      return subscription;
    });
}
