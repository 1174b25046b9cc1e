import { NEVER, Observable, type OperatorFunction, type SchedulerLike } from "rxjs";
import type { Clock } from "../kernel/clock.ts";
import type { PipelineTelemetry } from "../message/telemetry.ts";
import { latency } from "./latency.ts";
import type { DriftNotice, Outcome } from "./outcome.ts";
import { ticks } from "./ticks.ts";

/** What the meter counts. */
export type Metered =
  | Outcome
  | { readonly kind: "frame" }
  | DriftNotice
  | { readonly kind: "rollback" }
  | { readonly kind: "drop"; readonly reason: string };

/** Read when telemetry is made. */
export type Gauges = Pick<
  PipelineTelemetry,
  "poolVersion" | "paused" | "accuracy" | "plasticity" | "classCounts" | "promptUse" | "combination" | "waiting"
>;

export interface MeterOptions {
  readonly telemetryMs: number;
  /** Emits when `telemetryMs` may have changed. */
  readonly changed$?: Observable<unknown>;
  readonly clock: Clock;
  readonly scheduler: SchedulerLike;
  readonly gauges: () => Gauges;
}

/**
 * Telemetry every `telemetryMs`, and once more at the end.
 * ```
 * // in   -f-p-l---f-----|
 * // out  -----T-----T---(T|)
 * ```
 */
export function meter(options: MeterOptions): OperatorFunction<Metered, PipelineTelemetry> {
  const { clock, scheduler, gauges, changed$ = NEVER } = options;
  return (source) =>
    new Observable((subscriber) => {
      const count = counter();
      const prediction = latency();
      const learning = latency();
      const emit = (): void => {
        const at = new Date(clock.now()).toISOString();
        const latencyMs = { prediction: prediction.read(), learning: learning.read() };
        subscriber.next({ at, ...count.read(clock.monotonicMs()), latencyMs, ...gauges() });
      };
      count.start(clock.monotonicMs());
      const subscription = source.subscribe({
        next(event) {
          count.add(event);
          if (event.kind === "prediction") prediction.add(event.message.latencyMs);
          if (event.kind === "learned") learning.add(event.latencyMs);
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          emit();
          subscriber.complete();
        },
      });
      subscription.add(ticks(() => options.telemetryMs, changed$, scheduler).subscribe(emit));
      return subscription;
    });
}

interface Counter {
  start(nowMs: number): void;
  add(event: Metered): void;
  read(nowMs: number): Pick<PipelineTelemetry, "rates" | "totals" | "drift" | "drops" | "rejected">;
}

function counter(): Counter {
  const totals = {
    frames: 0,
    predictions: 0,
    unknown: 0,
    asked: 0,
    learned: 0,
    corrections: 0,
    duplicates: 0,
    replayed: 0,
    driftSignals: 0,
  };
  const drift = { error: 0, similarity: 0, rollbacks: 0 };
  const drops = new Map<string, number>();
  const rejected = new Map<string, number>();
  let before = { ...totals };
  let beforeMs = 0;

  return {
    start(nowMs) {
      beforeMs = nowMs;
    },
    add(event) {
      if (event.kind === "frame") totals.frames += 1;
      else if (event.kind === "drift") {
        totals.driftSignals += 1;
        drift[event.message.watch] += 1;
      } else if (event.kind === "rollback") drift.rollbacks += 1;
      else if (event.kind === "drop") bump(drops, event.reason);
      else if (event.kind === "prediction") {
        totals.predictions += 1;
        totals.unknown += Number(event.message.unknown);
        totals.asked += Number(event.message.wantsLabel);
      } else if (event.kind === "duplicate") totals.duplicates += 1;
      else if (event.kind === "rejected") bump(rejected, event.rejected.code);
      else if (event.kind === "learned") {
        totals.learned += 1;
        totals.corrections += Number(event.message.correction);
        totals.replayed += Number(event.message.replayed);
      }
    },
    read(nowMs) {
      const seconds = Math.max(nowMs - beforeMs, 1) / 1000;
      const rates = {
        framesPerSecond: (totals.frames - before.frames) / seconds,
        predictionsPerSecond: (totals.predictions - before.predictions) / seconds,
        learnedPerSecond: (totals.learned - before.learned) / seconds,
      };
      before = { ...totals };
      beforeMs = nowMs;
      return {
        rates,
        totals: before,
        drift: { ...drift },
        drops: Object.fromEntries(drops),
        rejected: Object.fromEntries(rejected),
      };
    },
  };
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
