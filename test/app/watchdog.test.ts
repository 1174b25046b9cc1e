import { describe, expect, it } from "vitest";
import { progressJudge } from "../../src/app/watchdog.ts";

type Telemetry = Parameters<ReturnType<typeof progressJudge>>[0];

function telemetry(of: {
  frames?: number;
  predictions?: number;
  refused?: Record<string, number>;
  pending?: number;
  paused?: boolean;
}): Telemetry {
  const { frames = 0, predictions = 0, refused = {}, pending = 0, paused = false } = of;
  const counted = { learned: 0, corrections: 0, duplicates: 0, replayed: 0, driftSignals: 0 };
  const totals = { frames, predictions, unknown: 0, asked: 0, ...counted };
  const waiting = { labels: 0, pending, windowFrames: 0, windowBytes: 0, journalBytes: 0 };
  return { totals, rejected: refused, waiting, paused };
}

describe("progressJudge", () => {
  it("calls it progress when something was finished", () => {
    const advances = progressJudge();
    expect(advances(telemetry({ frames: 3, predictions: 1 }))).toBe(true);
    expect(advances(telemetry({ frames: 9, predictions: 2 }))).toBe(true);
    expect(advances(telemetry({ frames: 12, predictions: 2, refused: { "image/damaged": 3 } }))).toBe(true);
  });

  it("calls it progress when nothing waits", () => {
    const advances = progressJudge();
    advances(telemetry({ frames: 3, predictions: 3 }));
    expect(advances(telemetry({ frames: 3, predictions: 3 }))).toBe(true);
  });

  it("calls it none when frames come in and nothing comes out", () => {
    const advances = progressJudge();
    advances(telemetry({ frames: 3, predictions: 3 }));
    expect(advances(telemetry({ frames: 5, predictions: 3 }))).toBe(false);
  });

  it.each(["engine/failed", "engine/closed", "model/changed", "pipeline/internal"])(
    "calls it none when frames end in %s",
    (code) => {
      const advances = progressJudge();
      advances(telemetry({ frames: 3, predictions: 3 }));
      expect(advances(telemetry({ frames: 5, predictions: 3, refused: { [code]: 2 } }))).toBe(false);
    },
  );

  it("calls it none when labels wait and none is learned, unless learning is paused", () => {
    const advances = progressJudge();
    advances(telemetry({ pending: 2 }));
    expect(advances(telemetry({ pending: 2 }))).toBe(false);
    expect(advances(telemetry({ pending: 2, paused: true }))).toBe(true);
  });
});
