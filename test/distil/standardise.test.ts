import { describe, expect, it } from "vitest";
import { standardise, standardisationOf, whiteningOf } from "../../src/distil/standardise.ts";
import { createRng } from "../../src/kernel/rng.ts";

const width = 3;
const rng = createRng(1);
/** Correlated, off centre, of different sizes. */
const features = new Float32Array(3000 * width);
for (let i = 0; i < features.length; i += width) {
  const [a, b, c] = [rng.normal(), rng.normal(), rng.normal()];
  features.set([5 + 2 * a, 0.1 * (a + b), 40 * (b - c) - 7], i);
}

function correlation(data: Float32Array): number[] {
  const sums = Array.from({ length: width * width }, () => 0);
  for (let i = 0; i < data.length; i++) {
    const row = i - (i % width);
    for (let j = 0; j < width; j++)
      sums[(i % width) * width + j]! += (data[i]! * data[row + j]!) / (data.length / width);
  }
  return sums;
}

describe("standardised features", () => {
  const half = features.length / 2;
  const found = standardisationOf([features.slice(0, half), features.slice(half)], width);
  const standard = features.slice();
  standardise(standard, found);

  it("have mean 0 and variance 1, over all arrays together", () => {
    for (let d = 0; d < width; d++) {
      const column = standard.filter((_, i) => i % width === d);
      expect(column.reduce((a, b) => a + b, 0) / column.length).toBeCloseTo(0, 4);
      expect(correlation(standard)[d * (width + 1)]).toBeCloseTo(1, 4);
    }
  });

  it("are uncorrelated once whitened, and as they were with shrinkage 1", () => {
    const multiply = (w: Float32Array): Float32Array =>
      standard.map((_, i) => {
        const row = i - (i % width);
        let sum = 0;
        for (let k = 0; k < width; k++) sum += standard[row + k]! * w[k * width + (i % width)]!;
        return sum;
      });
    const white = correlation(multiply(whiteningOf(standard, width, 0)));
    white.forEach((value, i) => expect(value).toBeCloseTo(i % (width + 1) === 0 ? 1 : 0, 3));
    expect([...whiteningOf(standard, width, 1)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
