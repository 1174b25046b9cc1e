import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { type Combiner, combiner, freshCombination, type Scores } from "../../src/learner/combine.ts";
import { argmax } from "../../src/learner/loss.ts";
import { stream } from "../../src/learner/presets.ts";
import type { HeadName } from "../../src/learner/types.ts";

const heads: readonly HeadName[] = ["prompted", "statistics"];
const settings = { ...stream.combine, prior: { prompted: 1, statistics: 1 }, priorStrength: 4 };
const fresh = (): Combiner => combiner(heads, settings, freshCombination(heads, settings));
const say = (prompted: number[], statistics: number[]): Scores =>
  new Map<HeadName, Float64Array>([
    ["prompted", Float64Array.from(prompted)],
    ["statistics", Float64Array.from(statistics)],
  ]);
const oneHot = (c: number, size: number, strength = 3): number[] =>
  Array.from({ length: size }, (_, i) => (i === c ? strength : 0));

/** Plays labels; each head is right with its own probability, at its own scale. */
function play(mixer: Combiner, labels: readonly number[], right: Record<HeadName, number>, size: number): void {
  const rng = createRng(1);
  for (const c of labels) {
    const guess = (p: number): number => (rng.uniform() < p ? c : rng.int(size));
    mixer.observe(say(oneHot(guess(right.prompted), size, 0.1), oneHot(guess(right.statistics), size, 1000)), c, size);
  }
}

const random = (size: number, count: number): number[] => {
  const rng = createRng(2);
  return Array.from({ length: count }, () => rng.int(size));
};

describe("combiner", () => {
  test("starts with the prior's shares", () => {
    const started = combiner(heads, stream.combine, freshCombination(heads, stream.combine));
    const { prompted, statistics } = stream.combine.prior;
    expect(started.shares().get("prompted")).toBeCloseTo(prompted / (prompted + statistics), 12);
  });

  test("turns to the head that is right more often, whatever their scales", () => {
    for (const better of heads) {
      const mixer = fresh();
      play(mixer, random(4, 200), { prompted: 0.4, statistics: 0.4, [better]: 0.95 }, 4);
      expect(mixer.shares().get(better)).toBeGreaterThan(0.7);
    }
  });

  test("hears both of two heads that err on different samples: together they beat each", () => {
    const mixer = fresh();
    const rng = createRng(5);
    const hits = { prompted: 0, statistics: 0, combined: 0 };
    for (const c of random(6, 400)) {
      // A head that does not know says so: two classes are alike to it.
      const unsure = (): number[] =>
        oneHot(c, 6).map((x, i) => (i === (c + 1 + rng.int(5)) % 6 ? 3 + 0.2 * rng.normal() : x));
      const [a, b] = rng.uniform() < 0.5 ? [oneHot(c, 6), unsure()] : [unsure(), oneHot(c, 6)];
      const said = say(a, b);
      hits.combined += Number(argmax(mixer.combine(said)) === c);
      hits.prompted += Number(argmax(a) === c);
      hits.statistics += Number(argmax(b) === c);
      mixer.observe(said, c, 6);
    }
    expect(hits.combined).toBeGreaterThan(Math.max(hits.prompted, hits.statistics) + 40);
  });

  test("calibrates: a head that is right in 7 of 10 cases is believed so far", () => {
    const mixer = fresh();
    play(mixer, random(4, 600), { prompted: 0, statistics: 0.6 }, 4);
    const said = mixer.combine(say([0, 0, 0, 0], oneHot(0, 4, 1000)));
    // Right in 0.6 + 0.4 / 4 of the cases.
    expect(said[0]).toBeGreaterThan(0.6);
    expect(said[0]).toBeLessThan(0.8);
  });

  test("is not taken in by a head that repeats the last label through bursts", () => {
    const mixer = fresh();
    let last = 0;
    const rng = createRng(4);
    for (const c of random(4, 40)) {
      for (let i = 0; i < 20; i++) {
        const honest = rng.uniform() < 0.85 ? c : rng.int(4);
        mixer.observe(say(oneHot(last, 4, 6), oneHot(honest, 4, 6)), c, i === 0 ? 80 : 1);
        last = c;
      }
    }
    const disputed = mixer.combine(say(oneHot(0, 4, 6), oneHot(1, 4, 6)));
    expect(argmax(disputed)).toBe(1);
  });

  test("is the surer of two classes, the further they are apart, and lets the surer head decide", () => {
    const mixer = fresh();
    const rng = createRng(7);
    for (const c of random(2, 200)) {
      const sign = c === 0 ? 1 : -1;
      const margin = (): number => sign * 2 + 3 * rng.normal();
      mixer.observe(say([margin(), 0], [100 * margin(), 0]), c, 2);
    }
    const first = (prompted: number, statistics: number): number =>
      mixer.combine(say([prompted, 0], [100 * statistics, 0]))[0]!;
    expect(first(0, 1)).toBeLessThan(first(0, 3));
    expect(first(0, 3)).toBeLessThan(first(0, 9));
    expect(first(5, -1)).toBeGreaterThan(0.5);
    expect(first(1, -5)).toBeLessThan(0.5);
  });

  test("a head that says every class is as likely changes no ranking", () => {
    expect(argmax(fresh().combine(say([0, 0, 0], [0.1, 0.3, 0.2])))).toBe(1);
  });

  test("one head alone is taken as it is", () => {
    const alone = combiner(["prompted"], settings, freshCombination(["prompted"], settings));
    alone.observe(new Map([["prompted", Float64Array.of(5, 0)]]), 1, 9);
    const said = alone.combine(new Map([["prompted", Float64Array.of(Math.log(3), 0)]]));
    expect(said[0]).toBeCloseTo(0.75, 12);
  });

  test("goes on from what was saved, and leaves that alone", () => {
    const labels = random(4, 50);
    const whole = fresh();
    play(whole, labels, { prompted: 0.5, statistics: 0.9 }, 4);
    const saved = whole.save();
    const resumed = combiner(heads, settings, saved);
    resumed.observe(say([1, 0, 0, 0], [0, 1, 0, 0]), 1, 4);
    expect(whole.save()).toEqual(saved);
    whole.observe(say([1, 0, 0, 0], [0, 1, 0, 0]), 1, 4);
    expect(resumed.save()).toEqual(whole.save());
  });

  test("leaves out a head whose scores are not finite", () => {
    expect([...fresh().combine(say([NaN, 0], [0, 0]))]).toEqual([0.5, 0.5]);
    expect([...fresh().combine(say([NaN, 0], [-Infinity, 0]))]).toEqual([0.5, 0.5]);
  });

  test("probabilities are finite and sum to 1 for any finite scores and any history", () => {
    const score = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    const three = fc.array(score, { minLength: 3, maxLength: 3 });
    const scores = fc.tuple(three, three);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(scores, fc.nat(2), fc.integer({ min: 1, max: 99 })), { maxLength: 30 }),
        scores,
        (history, last) => {
          const mixer = fresh();
          for (const [[a, b], c, gap] of history) mixer.observe(say(a, b), c, gap);
          const said = mixer.combine(say(...last));
          expect(said.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(said.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});
