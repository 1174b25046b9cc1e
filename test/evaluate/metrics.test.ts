import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  areaUnderRoc,
  averageAccuracy,
  backwardTransfer,
  calibrationError,
  deviation,
  fadingFactor,
  forgetting,
  prequential,
  promptSharing,
  windowFrames,
} from "../../src/evaluate/metrics.ts";

/** Three tasks; the second was better before it was learned than after (it may be, when classes are shared). */
const tasks = {
  rows: [
    [0.9, 0.7, 0],
    [0.6, 0.5, 0.1],
    [0.3, 0.4, 0.8],
  ],
  learnedIn: [0, 1, 2],
};

describe("metrics of the matrix a[i][j], by hand", () => {
  it("average accuracy is the mean of the last row", () => {
    expect(averageAccuracy(tasks)).toBeCloseTo((0.3 + 0.4 + 0.8) / 3, 12);
  });

  it("forgetting is the fall from the best there ever was, of all but the last", () => {
    expect(forgetting(tasks)).toBeCloseTo((0.9 - 0.3 + (0.7 - 0.4)) / 2, 12);
  });

  it("backward transfer is the change since a task was learned, of all but the last", () => {
    expect(backwardTransfer(tasks)).toBeCloseTo((0.3 - 0.9 + (0.4 - 0.5)) / 2, 12);
  });

  it("domains that come back count from their first visit", () => {
    // clean, dark, clean again: two domains, three visits.
    const visits = {
      rows: [
        [0.8, 0.3],
        [0.6, 0.7],
        [0.9, 0.5],
      ],
      learnedIn: [0, 1],
    };
    expect(averageAccuracy(visits)).toBeCloseTo(0.7, 12);
    expect(forgetting(visits)).toBeCloseTo((0 + 0.2) / 2, 12);
    expect(backwardTransfer(visits)).toBeCloseTo((0.1 - 0.2) / 2, 12);
  });

  it("the area under the ROC curve is the share of pairs in the right order, ties half", () => {
    // 3 beats 1 and 2 and ties with 3; 1 ties with 1; 5 beats all: (2.5 + 0.5 + 3) of 9 pairs.
    expect(areaUnderRoc([3, 1, 5], [2, 3, 1])).toBeCloseTo(6 / 9, 12);
    expect(areaUnderRoc([2, 3], [0, 1])).toBe(1);
    expect(areaUnderRoc([0, 1], [2, 3])).toBe(0);
    expect(areaUnderRoc([1, 1], [1])).toBe(0.5);
    expect(areaUnderRoc([], [1])).toBeNull();
    expect(areaUnderRoc([1], [])).toBeNull();
  });

  it("the area under the ROC curve is what counting all pairs gives", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, scores, (positive, negative) => {
        const pairs = positive.flatMap((p) => negative.map((n) => (p > n ? 1 : p === n ? 0.5 : 0) as number));
        expect(areaUnderRoc(positive, negative)).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 10);
      }),
    );
  });

  it("one segment has nothing to forget", () => {
    const one = { rows: [[0.5, 0.7]], learnedIn: [0, 0] };
    expect(averageAccuracy(one)).toBeCloseTo(0.6, 12);
    expect(forgetting(one)).toBeNull();
    expect(backwardTransfer(one)).toBeNull();
  });

  it("forgetting is never negative, and never less than what backward transfer lost", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const matrices = fc
      .integer({ min: 2, max: 6 })
      .chain((n) => fc.array(fc.array(share, { minLength: n, maxLength: n }), { minLength: n, maxLength: n }));
    fc.assert(
      fc.property(matrices, (rows) => {
        const matrix = { rows, learnedIn: rows.map((_, j) => j) };
        expect(forgetting(matrix)!).toBeGreaterThanOrEqual(0);
        expect(forgetting(matrix)!).toBeGreaterThanOrEqual(-backwardTransfer(matrix)! - 1e-12);
      }),
    );
  });
});

describe("prequential accuracy", () => {
  it("is overall, of the second half, and with a fading factor as by hand", () => {
    const { overall, secondHalf, windowed, fading } = prequential([0, 0, 1, 1, 1]);
    expect([overall, secondHalf, windowed]).toEqual([0.6, 1, 0.6]);
    const a = fadingFactor;
    expect(fading).toBeCloseTo((1 + a + a ** 2) / (1 + a + a ** 2 + a ** 3 + a ** 4), 12);
  });

  it("forgets beyond its window", () => {
    const right = [...Array<number>(100).fill(0), ...Array<number>(windowFrames).fill(1)];
    expect(prequential(right).windowed).toBe(1);
    expect(prequential(right).overall).toBeCloseTo(windowFrames / (100 + windowFrames), 12);
  });
});

describe("calibration error", () => {
  it("is the distance of confidence and accuracy, weighed by counts", () => {
    const bins = [
      { count: 4, confidence: 4 * 0.6, right: 2 }, // says 0.6, is 0.5
      { count: 6, confidence: 6 * 0.9, right: 6 }, // says 0.9, is 1
    ];
    expect(calibrationError(bins)).toBeCloseTo(0.4 * 0.1 + 0.6 * 0.1, 12);
    expect(calibrationError([])).toBeNull();
  });
});

describe("prompt sharing", () => {
  it("is the mean overlap of two tasks' distributions", () => {
    // Shares (½, ½, 0), (½, 0, ½), (0, 0, 1): overlaps ½, 0, ½.
    const histograms = [
      [10, 10, 0],
      [3, 0, 3],
      [0, 0, 7],
    ];
    expect(promptSharing(histograms)).toBeCloseTo(1 / 3, 12);
  });

  it("is 1 for the same distributions, 0 for none in common, null for one task", () => {
    expect(
      promptSharing([
        [2, 4],
        [1, 2],
        [0, 0],
      ]),
    ).toBeCloseTo(1, 12);
    expect(
      promptSharing([
        [2, 0],
        [0, 5],
      ]),
    ).toBe(0);
    expect(promptSharing([[1, 1]])).toBeNull();
  });
});

describe("deviation over seeds", () => {
  it("is the sample deviation", () => {
    expect(deviation([1, 2, 3])).toBeCloseTo(1, 12);
    expect(deviation([1])).toBeNull();
  });
});
