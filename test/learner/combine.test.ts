import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { admit, type Classes, noClasses } from "../../src/learner/classes.ts";
import { type Combiner, combiner, freshRecord, type Scores } from "../../src/learner/combine.ts";
import { argmax } from "../../src/learner/loss.ts";
import { stream } from "../../src/learner/presets.ts";
import type { HeadName } from "../../src/learner/types.ts";

const heads: readonly HeadName[] = ["prompted", "statistics"];
const fresh = (settings = stream.combine): Combiner =>
  combiner(settings, new Map(heads.map((name) => [name, freshRecord()])));
const say = (prompted: number[], statistics: number[]): Scores =>
  new Map<HeadName, Float64Array>([
    ["prompted", Float64Array.from(prompted)],
    ["statistics", Float64Array.from(statistics)],
  ]);
const oneHot = (c: number, size: number, strength = 3): number[] =>
  Array.from({ length: size }, (_, i) => (i === c ? strength : 0));

/** Plays labels; each head is right with its own probability. */
function play(
  mixer: Combiner,
  labels: readonly number[],
  right: { prompted: number; statistics: number },
  size: number,
): Classes {
  const rng = createRng(1);
  let { classes } = admit(
    noClasses,
    Array.from({ length: size }, (_, c) => `${c}`),
    32,
  );
  for (const c of labels) {
    const guess = (p: number): number => (rng.uniform() < p ? c : rng.int(size));
    const next = admit(classes, [`${c}`], 32);
    mixer.observe(say(oneHot(guess(right.prompted), size), oneHot(guess(right.statistics), size)), c, next.gaps[0]!);
    classes = next.classes;
  }
  return classes;
}

const random = (size: number, count: number): number[] => {
  const rng = createRng(2);
  return Array.from({ length: count }, () => rng.int(size));
};

describe("combiner", () => {
  test("starts with equal weights", () => {
    expect([...fresh().weights(noClasses)]).toEqual([
      ["prompted", 0.5],
      ["statistics", 0.5],
    ]);
  });

  test("turns to the head that is right more often", () => {
    for (const better of heads) {
      const mixer = fresh();
      const classes = play(mixer, random(4, 200), { prompted: 0.4, statistics: 0.4, [better]: 0.95 }, 4);
      expect(mixer.weights(classes).get(better)).toBeGreaterThan(0.8);
    }
  });

  test("softens a head that is too sure of itself, whatever the scale of its scores", () => {
    for (const scale of [1, 100]) {
      const mixer = fresh();
      const rng = createRng(3);
      const { classes } = admit(noClasses, ["0", "1", "2", "3"], 32);
      for (const c of random(4, 600)) {
        const guess = oneHot(rng.uniform() < 0.7 ? c : rng.int(4), 4, 10 * scale);
        mixer.observe(new Map([["statistics", Float64Array.from(guess)]]), c, 16);
      }
      const said = mixer.combine(new Map([["statistics", Float64Array.of(10 * scale, 0, 0, 0)]]), classes);
      // Right in 0.7 + 0.3 / 4 of the cases.
      expect(said[0]).toBeGreaterThan(0.65);
      expect(said[0]).toBeLessThan(0.87);
    }
  });

  test("is not taken in by a head that repeats the last label through bursts", () => {
    const mixer = fresh();
    let { classes } = admit(noClasses, ["0", "1", "2", "3"], 32);
    let last = 0;
    const bursts = random(4, 40).flatMap((c) => Array.from({ length: 20 }, () => c));
    const rng = createRng(4);
    for (const c of bursts) {
      const next = admit(classes, [`${c}`], 32);
      const honest = rng.uniform() < 0.85 ? c : rng.int(4);
      mixer.observe(say(oneHot(last, 4, 6), oneHot(honest, 4, 6)), c, next.gaps[0]!);
      classes = next.classes;
      last = c;
    }
    expect(mixer.weights(classes).get("statistics")).toBeGreaterThan(0.9);
  });

  test("what the prompted head knew of classes that do not come back counts for less and less", () => {
    const mixer = fresh();
    const classes = play(mixer, random(4, 200), { prompted: 0.95, statistics: 0.6 }, 4);
    const later = { ...classes, samples: classes.samples + 5 * stream.combine.evidenceSamples };
    expect(mixer.weights(classes).get("prompted")).toBeGreaterThan(0.8);
    expect(mixer.weights(later).get("prompted")).toBeLessThan(0.5);
  });

  test("a young head that says every class is as likely changes no ranking", () => {
    const { classes } = admit(noClasses, ["0", "1", "2"], 32);
    const said = fresh().combine(say([0, 0, 0], [0.1, 0.3, 0.2]), classes);
    expect(argmax(said)).toBe(1);
  });

  test("leaves out a head whose scores are not finite", () => {
    const { classes } = admit(noClasses, ["0", "1"], 32);
    expect([...fresh().combine(say([NaN, 0], [0, 0]), classes)]).toEqual([0.5, 0.5]);
    expect([...fresh().combine(say([NaN, 0], [-Infinity, 0]), classes)]).toEqual([0.5, 0.5]);
  });

  test("probabilities are finite and sum to 1 for any finite scores and any history", () => {
    const score = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    const scores = fc.tuple(
      fc.array(score, { minLength: 3, maxLength: 3 }),
      fc.array(score, { minLength: 3, maxLength: 3 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(scores, fc.nat(2), fc.integer({ min: 1, max: 99 })), { maxLength: 30 }),
        scores,
        (history, last) => {
          const mixer = fresh();
          const { classes } = admit(noClasses, ["0", "1", "2"], 32);
          for (const [[a, b], c, gap] of history) mixer.observe(say(a, b), c, gap);
          const said = mixer.combine(say(...last), classes);
          expect(said.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(said.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});
