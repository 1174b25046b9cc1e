import { describe, expect, it } from "vitest";
import { createAsks } from "../../../src/edge/dashboard/asks.ts";
import type { ShownPrediction } from "../../../src/edge/dashboard/inputs.ts";

const image = Uint8Array.of(1);
const saw = (frameId: string, confidence: number, wantsLabel = false): ShownPrediction => ({
  frameId,
  label: "bolt",
  confidence,
  unknown: false,
  wantsLabel,
  top: [["bolt", confidence]],
  promptIds: [],
  poolVersion: 1,
  latencyMs: 1,
});
const order = (asks: ReturnType<typeof createAsks>): string[] => asks.views.map(({ frameId }) => frameId);

describe("frames that ask for their labels", () => {
  it("are those that the learner asks for, then the least sure ones", () => {
    const asks = createAsks(() => 600_000);
    const frames = [
      saw("sure", 0.9),
      saw("asked", 0.8, true),
      saw("doubtful", 0.3),
      saw("asked and doubtful", 0.5, true),
    ];
    frames.forEach((frame, i) => asks.frame("gate", image, frame, 10_000 * i));
    expect(order(asks)).toEqual(["asked and doubtful", "asked", "doubtful", "sure"]);
  });

  it("of frames that follow each other closely the one that the learner asks for stays", () => {
    const asks = createAsks(() => 600_000);
    asks.frame("gate", image, saw("asked", 0.8, true), 0);
    expect(asks.frame("gate", image, saw("doubtful", 0.2), 100)).toBe(false);
    expect(order(asks)).toEqual(["asked"]);
    asks.frame("hall", image, saw("doubtful", 0.2), 100);
    asks.frame("hall", image, saw("asked too", 0.9, true), 200);
    expect(order(asks)).toEqual(["asked", "asked too"]);
  });

  it("give way to one that the learner asks for where there is no room", () => {
    const asks = createAsks(() => 600_000);
    for (let i = 0; i < 20; i++) asks.frame("gate", image, saw(`frame ${i}`, 0.01 * i), 10_000 * i);
    expect(asks.views).toHaveLength(12);
    asks.frame("gate", image, saw("asked", 0.99, true), 300_000);
    expect(asks.views).toHaveLength(12);
    expect(order(asks)[0]).toBe("asked");
  });

  it("go when their label is known, or can come no more", () => {
    const asks = createAsks(() => 10_000);
    asks.frame("gate", image, saw("one", 0.5, true), 0);
    asks.frame("gate", image, saw("two", 0.5), 5000);
    expect(asks.settled("gate", "one")).toBe(true);
    expect(order(asks)).toEqual(["two"]);
    expect(asks.sweep(13_001)).toBe(true);
    expect(order(asks)).toEqual([]);
  });
});
