import { Subject } from "rxjs";
import type { Clock } from "../kernel/clock.ts";
import type { Learner } from "../learner/types.ts";
import { type DriftMonitor, driftMonitor, type DriftSettings, type DriftState } from "./drift.ts";
import type { DriftNotice } from "./outcome.ts";
import { noGuard, type RollbackGuard, rollbackGuard, type RollbackGuardOptions } from "./rollback.ts";
import type { StreamSettings } from "./settings.ts";

export interface WatchingOptions {
  readonly learner: Pick<Learner, "poolVersion" | "save" | "restore">;
  /** Undefined: nothing is watched. */
  readonly drift?: DriftSettings;
  /** Undefined: the learner never goes back by itself. */
  readonly rollback?: Pick<RollbackGuardOptions, "settings" | "shadow">;
  readonly settings: Pick<StreamSettings, "maxCameras">;
  readonly saved: DriftState | undefined;
  readonly clock: Clock;
}

export interface Watching {
  readonly drift: DriftMonitor;
  readonly drift$: Subject<DriftNotice>;
  readonly guard: RollbackGuard;
}

/** What watches over the world and over the learner. */
export function watching({ learner, drift, rollback, settings, saved, clock }: WatchingOptions): Watching {
  const drift$ = new Subject<DriftNotice>();
  const maxCameras = (): number => settings.maxCameras;
  const monitor = driftMonitor({
    settings: drift,
    maxCameras,
    saved,
    tell(found) {
      const at = new Date(clock.now()).toISOString();
      drift$.next({ kind: "drift", message: { v: 1, ...found, poolVersion: learner.poolVersion, at } });
    },
  });
  return { drift: monitor, drift$, guard: rollback ? rollbackGuard({ ...rollback, learner }) : noGuard };
}
