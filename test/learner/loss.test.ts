import { describe, expect, test } from "vitest";
import { admit, noClasses } from "../../src/learner/classes.ts";
import { argmax, competingClasses, logSoftmax, softmax, targetRows, trainingOffsets } from "../../src/learner/loss.ts";

const recent = { kind: "recent", samples: 4, minClasses: 2, priorStrength: 0 } as const;
const after = (...labels: string[]) => admit(noClasses, labels, 2).classes;

describe("competingClasses", () => {
  test("are the classes of the recent labels", () => {
    expect(competingClasses(recent, after("a", "b", "c", "d", "c", "d"))).toEqual([2, 3]);
    expect(competingClasses(recent, after("a", "b", "c", "b", "a"))).toEqual([0, 1, 2]);
  });
  test("are never fewer than minClasses, the last seen first: a burst leaves something to tell apart", () => {
    expect(competingClasses(recent, after("a", "b", "c", "c", "c", "c", "c"))).toEqual([1, 2]);
    expect(competingClasses({ ...recent, minClasses: 3 }, after("a", "b", "c", "c", "c", "c", "c"))).toEqual([0, 1, 2]);
  });
  test("with one class in all there is just that one", () => {
    expect(competingClasses(recent, after("a", "a"))).toEqual([0]);
  });
  test("without a mask all compete", () => {
    expect(competingClasses({ kind: "none" }, after("a", "b", "c", "c", "c", "c", "c"))).toEqual([0, 1, 2]);
  });
});

describe("trainingOffsets", () => {
  test("take out what does not compete, and leave the others at 0 without a prior", () => {
    expect(Array.from(trainingOffsets(recent, after("a", "b", "c", "d", "c", "d")), (x) => x + 0)).toEqual([
      -1e4, -1e4, 0, 0,
    ]);
    expect([...trainingOffsets({ kind: "none" }, after("a", "b"))]).toEqual([0, 0]);
  });
  test("with a prior they are the log shares of the recent labels", () => {
    const offsets = trainingOffsets({ ...recent, priorStrength: 1 }, after("a", "b", "b"));
    // Fading counts with a memory of 2 samples: a ¼, b 1 + ½.
    expect(Math.exp(offsets[0]!)).toBeCloseTo(0.25 / 1.75, 6);
    expect(Math.exp(offsets[1]!)).toBeCloseTo(1.5 / 1.75, 6);
  });
  test("stay finite after a burst of any length", () => {
    const labels = ["a", ...Array.from({ length: 5000 }, () => "b")];
    const offsets = trainingOffsets({ ...recent, priorStrength: 1 }, after(...labels));
    expect(offsets.every(Number.isFinite)).toBe(true);
    expect(offsets[0]).toBeCloseTo(Math.log(1e-3), 5);
  });
});

test("targetRows are one-hot, or smoothed, and sum to 1", () => {
  expect([...targetRows([1, 0], 2, [0, 1], 0).data]).toEqual([0, 1, 1, 0]);
  const smoothed = targetRows([2], 4, [0, 1, 2, 3], 0.2).data;
  smoothed.forEach((x, i) => expect(x).toBeCloseTo(i === 2 ? 0.85 : 0.05, 6));
});

test("targetRows leave out what does not compete", () => {
  const smoothed = targetRows([2], 4, [0, 2], 0.2).data;
  smoothed.forEach((x, i) => expect(x).toBeCloseTo([0.1, 0, 0.9, 0][i]!, 6));
});

test("softmax is finite for logits of any size", () => {
  expect([...softmax(Float64Array.of(1e5, 0, -1e5))]).toEqual([1, 0, 0]);
  expect([...logSoftmax(Float64Array.of(-1e300, -1e300))]).toEqual([-Math.LN2, -Math.LN2]);
  expect([...softmax(new Float64Array(0))]).toEqual([]);
});

test("argmax gives ties to the first, and −1 for nothing", () => {
  expect(argmax([1, 3, 3])).toBe(1);
  expect(argmax([])).toBe(-1);
});

test("admit counts gaps over the batch, and takes any string for a label", () => {
  const first = admit(noClasses, ["__proto__", "constructor", "__proto__"], 8);
  expect(first.classIds).toEqual([0, 1, 0]);
  expect(first.gaps).toEqual([Infinity, Infinity, 2]);
  const second = admit(first.classes, ["constructor", "new"], 8);
  expect(second.classIds).toEqual([1, 2]);
  expect(second.gaps).toEqual([2, Infinity]);
  expect(second.classes.labels).toEqual(["__proto__", "constructor", "new"]);
  expect(second.classes.counts).toEqual([2, 2, 1]);
  expect(first.classes.labels).toHaveLength(2);
});
