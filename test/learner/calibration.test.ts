import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calibrationError } from "../../src/evaluate/metrics.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { calibrator, type Calibrator, freshCalibration } from "../../src/learner/calibration.ts";
import { argmax } from "../../src/learner/loss.ts";

const fresh = (memory = 500): Calibrator => calibrator(memory, freshCalibration());
const softmax = (logits: readonly number[]): Float64Array => {
  const most = Math.max(...logits);
  const powers = Float64Array.from(logits, (x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
};

/** Frames of ten classes whose true logits are known, as a head that is `boldness` times too sure says them. */
function frames(count: number, boldness: number): { said: Float64Array; c: number }[] {
  const rng = createRng(3);
  return Array.from({ length: count }, () => {
    const logits = Array.from({ length: 10 }, () => 2 * rng.normal());
    let left = rng.uniform();
    const c = softmax(logits).findIndex((p) => (left -= p) < 0);
    return { said: softmax(logits.map((x) => boldness * x)), c: Math.max(0, c) };
  });
}

/** Expected calibration error, each frame before its label. */
function errorOf(of: readonly { said: Float64Array; c: number }[], one?: Calibrator): number {
  const bins = Array.from({ length: 15 }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { said, c } of of) {
    const p = one?.apply(said) ?? said;
    const first = argmax(p);
    const bin = bins[Math.min(14, Math.floor(15 * p[first]!))]!;
    bin.count += 1;
    bin.confidence += p[first]!;
    bin.right += Number(first === c);
    one?.observe(said, c);
  }
  return calibrationError(bins)!;
}

describe("calibration", () => {
  test.each([0.3, 1, 4, 20])("of a head that is %f times as sure as it should be ends near the truth", (boldness) => {
    const stream = frames(3000, boldness);
    const before = errorOf(stream);
    const after = errorOf(stream, fresh());
    expect(after).toBeLessThan(0.05);
    expect(after).toBeLessThan(boldness === 1 ? 0.05 : before / 3);
  });

  test("follows a head that becomes too sure", () => {
    const one = fresh();
    errorOf(frames(1000, 1), one);
    errorOf(frames(1000, 10), one);
    expect(errorOf(frames(1000, 10), one)).toBeLessThan(0.05);
  });

  test("one label of one class is no certainty; many are", () => {
    const one = fresh();
    one.observe(new Float64Array(0), null);
    expect(one.apply(Float64Array.of(1))[0]).toBeLessThan(0.5);
    for (let i = 0; i < 300; i++) one.observe(Float64Array.of(1), 0);
    expect(one.apply(Float64Array.of(1))[0]).toBeGreaterThan(0.97);
  });

  test("a label that comes more than once in the batch that brings it is new once", () => {
    const one = fresh();
    for (let i = 0; i < 6; i++) one.observe(new Float64Array(0), null);
    for (let i = 0; i < 10; i++) one.observeAgain();
    const known = one.apply(Float64Array.of(0.5, 0.5)).reduce((a, b) => a + b, 0);
    expect(known).toBeGreaterThan(0.55);
    expect(known).toBeLessThan(0.7);
  });

  test("few labels earn little confidence, however sure the heads are", () => {
    const one = fresh();
    const sure = Float64Array.of(0.9999, 0.0001);
    one.observe(new Float64Array(0), null);
    one.observe(Float64Array.of(1), null);
    const early = one.apply(sure)[0]!;
    for (let i = 0; i < 200; i++) one.observe(sure, 0);
    expect(early).toBeLessThan(0.6);
    expect(one.apply(sure)[0]).toBeGreaterThan(0.95);
  });

  test("keeps which label is likeliest, and leaves a chance for labels never seen", () => {
    const row = fc.array(fc.double({ min: -800, max: 800, noNaN: true }), { minLength: 1, maxLength: 12 });
    const labels = fc.array(fc.tuple(row, fc.nat(20)), { maxLength: 30 });
    fc.assert(
      fc.property(labels, row, (seen, now) => {
        const one = fresh(20);
        for (const [logits, c] of seen) one.observe(softmax(logits), c < logits.length ? c : null);
        const said = softmax(now);
        const p = one.apply(said);
        const sum = p.reduce((a, b) => a + b, 0);
        expect(sum).toBeGreaterThan(0);
        expect(sum).toBeLessThan(1 + 1e-9);
        expect(p.every((x) => Number.isFinite(x) && x >= 0)).toBe(true);
        expect(p[argmax(said)]).toBeGreaterThanOrEqual(Math.max(...p) - 1e-12);
      }),
      // Alike but for the last bit, which rounding may turn.
      { examples: [[[[[0], 0]], [0, 1.6653345369377348e-16, 0]]] },
    );
  });

  test("saved and restored it goes on bit-equal", () => {
    const [first, second] = [frames(50, 4), frames(100, 4).slice(50)];
    const one = fresh();
    errorOf(first, one);
    const other = calibrator(500, JSON.parse(JSON.stringify(one.save())) as ReturnType<Calibrator["save"]>);
    expect(errorOf(second, other)).toBe(errorOf(second, one));
    expect(other.save()).toEqual(one.save());
  });
});
