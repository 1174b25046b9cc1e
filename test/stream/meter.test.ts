import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Prediction } from "../../src/learner/types.ts";
import { prequentialAccuracy } from "../../src/stream/accuracy.ts";
import { latency } from "../../src/stream/latency.ts";
import { meter, type Gauges, type Metered } from "../../src/stream/meter.ts";
import { marbles } from "../support/marbles.ts";

const gauges = (): Gauges => ({
  poolVersion: 0,
  paused: false,
  accuracy: prequentialAccuracy({ accuracyWindow: 5, accuracyFading: 0.9 }).read(),
  plasticity: 1,
  classCounts: {},
  promptUse: [],
  combination: {},
  waiting: { labels: 0, pending: 0, windowFrames: 0, windowBytes: 0, journalBytes: 0 },
});

const said = (label: string | null, prompted = label, statistics = label): Prediction => ({
  label,
  confidence: 1,
  novelty: null,
  top: [],
  promptIds: [],
  poolVersion: 0,
  heads: { prompted, statistics },
});

describe("meter", () => {
  it("tells every telemetryMs, and once more at the end", () => {
    marbles(({ cold, expectObservable }, scheduler) => {
      const clock = { now: () => scheduler.now(), monotonicMs: () => scheduler.now() };
      const events: Record<string, Metered> = {
        f: { kind: "frame" },
        d: { kind: "drop", reason: "mailbox/replaced" },
        r: {
          kind: "drift",
          message: { v: 1, watch: "error", camera: null, before: 0, after: 1, poolVersion: 3, at: "" },
        },
      };
      const out$ = cold("-f-f--d--f-r-|", events).pipe(
        meter({ telemetryMs: 5, clock, scheduler, gauges }),
        map(({ totals, rates, drops, drift }) => {
          return [totals.frames, rates.framesPerSecond, drops, totals.driftSignals, drift.error];
        }),
      );
      expectObservable(out$).toBe("-----a----b--(c|)", {
        a: [2, 400, {}, 0, 0],
        b: [3, 200, { "mailbox/replaced": 1 }, 0, 0],
        c: [3, 0, { "mailbox/replaced": 1 }, 1, 1],
      });
    });
  });
});

describe("prequential accuracy", () => {
  it("is overall, windowed and fading, of each head and of the combination", () => {
    const accuracy = prequentialAccuracy({ accuracyWindow: 2, accuracyFading: 0.5 });
    expect(accuracy.read().combined).toEqual({ overall: null, windowed: null, fading: null });
    accuracy.add(said(null), "a");
    accuracy.add(said("a", "b", "a"), "a");
    accuracy.add(said("a", "a", "b"), "a");
    accuracy.add(said("a", "b", "b"), "a");
    const { samples, combined, prompted, statistics } = accuracy.read();
    // S = 0, 1, 1.5, 1.75 and N = 1, 1.5, 1.75, 1.875
    expect([samples, combined]).toEqual([4, { overall: 0.75, windowed: 1, fading: 1.75 / 1.875 }]);
    expect(prompted).toEqual({ overall: 0.25, windowed: 0.5, fading: 0.5 / 1.875 });
    expect(statistics).toEqual({ overall: 0.25, windowed: 0, fading: 0.25 / 1.875 });
    const again = prequentialAccuracy({ accuracyWindow: 2, accuracyFading: 0.5 }, accuracy.save());
    for (const one of [accuracy, again]) one.add(said("b"), "a");
    expect(again.read()).toEqual(accuracy.read());
  });
});

describe("latency", () => {
  it("gives nearest-rank percentiles of the latest samples", () => {
    const ms = latency(100);
    expect(ms.read()).toBeNull();
    for (let i = 1; i <= 200; i++) ms.add(i);
    expect(ms.read()).toEqual({ p50: 150, p90: 190, p99: 199, max: 200 });
  });
});
