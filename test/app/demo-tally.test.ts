import { describe, expect, it } from "vitest";
import { demoTally } from "../../src/app/demo-tally.ts";
import { heapBytes } from "../support/heap.ts";

const learned = (label: string, correct: boolean | null, more = {}) => ({
  label,
  correct,
  correction: false,
  replayed: false,
  ...more,
});

describe("demoTally", () => {
  it("tells how right the predictions were: in all, by phase, and of the first labels later", () => {
    const tally = demoTally();
    for (const correct of [false, true, true]) tally.add("day", learned("bolt", correct));
    for (const [label, correct] of [
      ["gear", false],
      ["bolt", true],
      ["gear", true],
      ["bolt", false],
    ] as const) {
      tally.add("night", learned(label, correct));
    }
    const scores = tally.scores();
    expect(scores).toMatchObject({ labels: 7, correct: 4, secondHalf: { labels: 4, correct: 2 } });
    expect(scores.firstLabelsLater).toEqual({ labels: 2, correct: 1, accuracy: 0.5 });
    expect(scores.phases).toEqual([
      { phase: "day", labels: 3, correct: 2, accuracy: 2 / 3, firstThird: 0, lastThird: 1 },
      { phase: "night", labels: 4, correct: 2, accuracy: 0.5, firstThird: 0.5, lastThird: 0.5 },
    ]);
  });

  it("leaves out what was not predicted before its label came", () => {
    const tally = demoTally();
    tally.add("day", learned("bolt", null));
    tally.add("day", learned("bolt", true, { correction: true }));
    tally.add("day", learned("bolt", true, { replayed: true }));
    expect(tally.scores()).toMatchObject({ labels: 0, accuracy: null, phases: [] });
  });

  it("keeps counts, not labels: a demo may run for days", () => {
    const tally = demoTally();
    const count = 200_000;
    const before = heapBytes();
    for (let i = 0; i < count; i++) tally.add("day", learned("bolt", i >= count / 2));
    expect(heapBytes() - before).toBeLessThan(2 * count); // an entry for each takes ten times that
    const { labels, correct, secondHalf, phases } = tally.scores();
    expect({ labels, correct }).toEqual({ labels: count, correct: count / 2 });
    expect(Math.abs(secondHalf.labels - count / 2)).toBeLessThanOrEqual(count / 256);
    expect(secondHalf.accuracy).toBeGreaterThan(0.99);
    expect(phases[0]).toMatchObject({ firstThird: 0, lastThird: 1 });
  });
});
