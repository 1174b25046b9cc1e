import { NEVER, Observable, type OperatorFunction, type SchedulerLike } from "rxjs";
import { ticks } from "./ticks.ts";

/** Why a snapshot is taken. `journal`: it is full, and a checkpoint lets it be cut. */
export type SnapshotReason = "learned" | "interval" | "drift" | "rollback" | "command" | "journal" | "stop";

/** What the policy hears of. */
export type SnapshotCue =
  | { readonly kind: "drift" | "rollback" | "command" | "journal" }
  /** A batch was learned: so many labels. */
  | { readonly kind: "learned"; readonly count: number }
  /** A label on disk will not be learned: the next cut takes it away. */
  | { readonly kind: "dropped" };

export interface SnapshotPolicyOptions {
  /** 0: never for this reason. */
  readonly snapshotEveryLearned: number;
  /** When something was learned since the last one; 0: never for this reason. */
  readonly snapshotEveryMs: number;
  /** Emits when these may have changed. */
  readonly changed$?: Observable<unknown>;
  readonly scheduler: SchedulerLike;
}

/** A journal that is still full, though nothing was learned or dropped, is tried again after so long, and twice as long each time: the disk may have failed. */
const JOURNAL_AGAIN_MS = 30_000;
const JOURNAL_AGAIN_AT_MOST_MS = 600_000;

/**
 * When to take a snapshot: every N learned, every T, on drift, after a rollback, on command, and at the end.
 * ```
 * // in   -l-l-l--d--l---------|   N 3
 * // out  -----n--d------t----(s|)
 * ```
 * A full journal always gets one, and the next when something was learned or dropped since: until then it would free nothing.
 */
export function snapshotPolicy(options: SnapshotPolicyOptions): OperatorFunction<SnapshotCue, SnapshotReason> {
  const { scheduler, changed$ = NEVER } = options;
  return (source) =>
    new Observable((subscriber) => {
      let learned = 0;
      // What an earlier run left in the journal may be cut as well, and so may what another kind of checkpoint spared.
      let frees = true;
      let againMs = -Infinity;
      let waitMs = JOURNAL_AGAIN_MS;
      const take = (reason: SnapshotReason): void => {
        learned = 0;
        subscriber.next(reason);
      };
      const subscription = source.subscribe({
        next(cue) {
          if (cue.kind === "journal") {
            if (!frees && scheduler.now() < againMs) return;
            waitMs = frees ? JOURNAL_AGAIN_MS : Math.min(2 * waitMs, JOURNAL_AGAIN_AT_MOST_MS);
            frees = false;
            againMs = scheduler.now() + waitMs;
            return take("journal");
          }
          if (cue.kind === "learned" || cue.kind === "dropped") frees = true;
          if (cue.kind === "dropped") return;
          if (cue.kind !== "learned") return take(cue.kind);
          learned += cue.count;
          const { snapshotEveryLearned } = options;
          if (snapshotEveryLearned > 0 && learned >= snapshotEveryLearned) take("learned");
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          take("stop");
          subscriber.complete();
        },
      });
      const tick = (): void => {
        if (learned > 0) take("interval");
      };
      subscription.add(ticks(() => options.snapshotEveryMs, changed$, scheduler).subscribe(tick));
      return subscription;
    });
}
