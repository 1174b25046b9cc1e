import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPromptHistory } from "../../../src/edge/dashboard/prompt-history.ts";

const total = (of: readonly { readonly counts: readonly number[] }[]): number =>
  of.flatMap(({ counts }) => counts).reduce((sum, count) => sum + count, 0);

describe("prompt history", () => {
  it("is what was added since the telemetry before; the first tells of all the time before, and nothing of no use", () => {
    const history = createPromptHistory();
    history.add([100, 50], 1000);
    expect(history.columns).toEqual([]);
    history.add([101, 53], 2000);
    history.add([101, 53], 3000);
    history.add([103, 53], 4000);
    expect(history.columns).toEqual([
      { at: 2000, counts: [1, 3] },
      { at: 4000, counts: [2, 0] },
    ]);
  });

  it("takes a count that went back, as after a restore, for no use", () => {
    const history = createPromptHistory();
    history.add([100, 50], 1000);
    history.add([10, 5], 2000);
    history.add([12, 5], 3000);
    expect(history.columns).toEqual([{ at: 3000, counts: [2, 0] }]);
  });

  it("stays below 96 columns, in order of time, and loses no use, however long it goes on", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(5), { minLength: 3, maxLength: 3 }), { minLength: 90, maxLength: 900 }),
        (steps) => {
          const history = createPromptHistory();
          const use = [0, 0, 0];
          history.add(use, 0);
          for (const [i, step] of steps.entries()) {
            for (const id of use.keys()) use[id]! += step[id]!;
            history.add(use, i + 1);
            expect(history.columns.length).toBeLessThan(96);
          }
          const times = history.columns.map(({ at }) => at);
          expect(total(history.columns)).toBe(use.reduce((a, b) => a + b));
          expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("becomes half as fine each time that it is full, all columns alike", () => {
    const history = createPromptHistory();
    for (let i = 0; i <= 95; i++) history.add([i], i);
    expect(history.columns).toHaveLength(95);
    history.add([96], 96);
    expect(history.columns.map(({ counts }) => counts[0])).toEqual(Array.from({ length: 48 }, () => 2));
    for (let i = 97; i <= 192; i++) history.add([i], i);
    expect(history.columns.map(({ counts }) => counts[0])).toEqual(Array.from({ length: 48 }, () => 4));
  });
});
