import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adamStep, cloneParameter, parameter } from "../../src/learner/adam.ts";
import { stream } from "../../src/learner/presets.ts";
import { createRng } from "../../src/kernel/rng.ts";

const settings = { ...stream.optimiser, clipNorm: Infinity };

/** Kingma and Ba 2015, algorithm 1, line by line, for one number. */
function referenceAdam(start: number, gradients: readonly number[], rate: number): number {
  let [theta, m, v] = [start, 0, 0];
  gradients.forEach((g, i) => {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const mHat = m / (1 - 0.9 ** (i + 1));
    const vHat = v / (1 - 0.999 ** (i + 1));
    theta -= (rate * mHat) / (Math.sqrt(vHat) + 1e-8);
  });
  return theta;
}

const make = (): { parameter: ReturnType<typeof parameter>; values: Float64Array }[] => [
  { parameter: parameter(new Float32Array(2), 2), values: Float64Array.of(3, 0) },
  { parameter: parameter(new Float32Array(1), 1), values: Float64Array.of(4) },
];

describe("adamStep", () => {
  test("follows the reference to 1e-6 over 50 steps", () => {
    const rng = createRng(3);
    const p = parameter(
      Float32Array.from({ length: 6 }, () => rng.normal()),
      3,
    );
    const start = [...p.value];
    const history = start.map((): number[] => []);
    for (let step = 0; step < 50; step++) {
      const values = Float64Array.from({ length: 6 }, () => 0.1 * rng.normal());
      values.forEach((g, i) => history[i]!.push(g));
      adamStep([{ parameter: p, gradient: { values, rows: new Set([0, 1]) }, learningRate: 0.003 }], settings);
    }
    p.value.forEach((x, i) => expect(x).toBeCloseTo(referenceAdam(start[i]!, history[i]!, 0.003), 6));
  });

  test("a row's path depends on its own gradients alone, however long it rested", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.double({ min: -1, max: 1, noNaN: true })), { maxLength: 30 }),
        (events) => {
          const p = parameter(Float32Array.of(0.5, -0.25), 1);
          for (const [second, g] of events) {
            const row = second ? 1 : 0;
            const values = Float64Array.of(0, 0);
            values[row] = g;
            adamStep([{ parameter: p, gradient: { values, rows: new Set([row]) }, learningRate: 0.01 }], settings);
          }
          for (const row of [0, 1]) {
            const own = events.filter(([second]) => (second ? 1 : 0) === row).map(([, g]) => g);
            expect(p.value[row]).toBeCloseTo(referenceAdam(row === 0 ? 0.5 : -0.25, own, 0.01), 5);
            expect(p.steps[row]).toBe(own.length);
          }
        },
      ),
    );
  });

  test("INVARIANT: a row that is not selected keeps value, moments and step count bit for bit", () => {
    const rng = createRng(5);
    const p = parameter(
      Float32Array.from({ length: 12 }, () => rng.normal()),
      4,
    );
    const all = Float64Array.from({ length: 12 }, () => rng.normal());
    adamStep([{ parameter: p, gradient: { values: all, rows: new Set([0, 1, 2]) }, learningRate: 0.1 }], settings);
    const before = cloneParameter(p);
    for (let i = 0; i < 5; i++) {
      adamStep([{ parameter: p, gradient: { values: all, rows: new Set([1]) }, learningRate: 0.1 }], settings);
    }
    for (const row of [0, 2]) {
      for (const key of ["value", "momentum", "variance"] as const) {
        expect(p[key].subarray(row * 4, row * 4 + 4)).toEqual(before[key].subarray(row * 4, row * 4 + 4));
      }
      expect(p.steps[row]).toBe(1);
    }
    expect(p.value.subarray(4, 8)).not.toEqual(before.value.subarray(4, 8));
    expect(p.steps[1]).toBe(6);
  });

  test("clips the norm of all updates together, and returns what it was", () => {
    const clipped = make();
    const norm = adamStep(
      clipped.map(({ parameter, values }) => ({
        parameter,
        gradient: { values, rows: new Set([0]) },
        learningRate: 0.1,
      })),
      { ...settings, clipNorm: 1 },
    );
    expect(norm).toBe(5);
    expect(clipped[0]!.parameter.momentum[0]).toBeCloseTo(0.1 * (3 / 5), 7);
    expect(clipped[1]!.parameter.momentum[0]).toBeCloseTo(0.1 * (4 / 5), 7);
    const free = make();
    adamStep(
      free.map(({ parameter, values }) => ({ parameter, gradient: { values, rows: new Set([0]) }, learningRate: 0.1 })),
      { ...settings, clipNorm: 5 },
    );
    expect(free[1]!.parameter.momentum[0]).toBeCloseTo(0.4, 6);
  });
});
