import { describe, expect, it } from "vitest";
import { adamW, cosineRate, globalNorm } from "../../src/distil/adamw.ts";

const numbers = { learningRate: 0.1, weightDecay: 0.2, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, gradientScale: 1 };

function firstMoment(gradient: number, gradientScale: number): number {
  const state = { first: new Float32Array(1), second: new Float32Array(1) };
  adamW(
    new Float32Array(1),
    Float32Array.of(gradient),
    state,
    { offset: 0, size: 1 },
    { ...numbers, gradientScale, step: 1 },
  );
  return state.first[0]!;
}

describe("AdamW", () => {
  it("does what the paper's algorithm does, in double precision", () => {
    const weights = Float32Array.of(1, -2, 3);
    const state = { first: new Float32Array(3), second: new Float32Array(3) };
    let [w, m, v] = [-2, 0, 0];
    for (let step = 1; step <= 5; step++) {
      const g = Math.sin(step);
      adamW(weights, Float32Array.of(0, g, 0), state, { offset: 1, size: 1 }, { ...numbers, step });
      m = 0.9 * m + 0.1 * g;
      v = 0.99 * v + 0.01 * g * g;
      const mHat = m / (1 - 0.9 ** step);
      const vHat = v / (1 - 0.99 ** step);
      w -= 0.1 * (mHat / (Math.sqrt(vHat) + 1e-8) + 0.2 * w);
    }
    expect(weights[1]).toBeCloseTo(w, 5);
    expect([weights[0], weights[2]]).toEqual([1, 3]);
  });

  it("takes a clipped gradient as if it had been shorter", () => {
    expect(firstMoment(10, 0.1)).toBeCloseTo(firstMoment(1, 1), 6);
    expect(globalNorm(Float32Array.of(3, 0, -4))).toBe(5);
  });
});

const rate = (step: number): number => cosineRate(step, 100, 10, 1, 0.1);

describe("the learning rate", () => {
  it("rises in a line, falls as a cosine and ends at its floor", () => {
    expect(rate(0)).toBeCloseTo(0.1);
    expect(rate(9)).toBeCloseTo(1);
    expect(rate(10)).toBeCloseTo(1);
    expect(rate(55)).toBeCloseTo(0.55);
    expect(rate(100)).toBeCloseTo(0.1);
    for (let step = 11; step < 100; step++) expect(rate(step)).toBeLessThan(rate(step - 1));
  });
});
