import { cholesky, packedLength, solve } from "./cholesky.ts";
import { logSoftmax } from "./loss.ts";
import type { CombineSettings } from "./settings.ts";
import type { HeadName } from "./types.ts";

/** Each head's scores: logits, or log posteriors up to a constant, [C]. */
export type Scores = ReadonlyMap<HeadName, Float64Array>;

/** What was fitted, for H heads. */
export interface Combination {
  /** Weight of each head's standardised scores in the common logits, [H]. */
  readonly weights: Float64Array;
  /** Fading sum of the log-loss's second derivatives, packed lower triangle, [H(H + 1)/2]. */
  readonly curvature: Float64Array;
  /** Fading sums of how far each head's scores deviate over the classes, then fading counts of the samples, [2, H]. */
  readonly spreads: Float64Array;
}

export interface Combiner {
  /** softmax(Σ weight · standardised scores) → [C], summing to 1. Heads whose scores are not finite are left out. */
  combine(scores: Scores): Float64Array;
  /**
   * Learns from what the heads said about a sample before it was learned, whose class turned out to be c (c < C).
   * @param gap How many samples ago class c came before, ≥ 1.
   */
  observe(scores: Scores, c: number, gap: number): void;
  /** Share of each head in the weights, summing to 1. */
  shares(): ReadonlyMap<HeadName, number>;
  /** A copy. */
  save(): Combination;
}

/** A weight never falls to 0: were all of them there, nothing would be predicted. */
const LEAST_WEIGHT = 0.02;
const LARGEST_WEIGHT = 30;

/** Samples after which one counts a third in how far a head's scores deviate: they grow with the classes, and shrink with learning. */
const SPREAD_MEMORY = 100;

/** A sample counts in full where its label's gap is this many times the number of classes, and not at all below the other. */
const FULL_GAP = 4;
const LEAST_GAP = 0.5;

export function freshCombination(heads: readonly HeadName[], { prior }: CombineSettings): Combination {
  return {
    weights: Float64Array.from(heads, (name) => prior[name]),
    curvature: new Float64Array(packedLength(heads.length)),
    spreads: new Float64Array(2 * heads.length),
  };
}

/**
 * Logistic stacking (Wolpert 1992), online: one weight for each head, fitted to the log-loss of predictions that were made
 * before learning. The problem is convex with a handful of numbers, so each sample moves them by one Newton step, damped by
 * what was seen before (recursive logistic regression) and by the prior. It calibrates as well: a head that is too sure of
 * itself gets a small weight, and heads that err on different samples are both heard.
 *
 * Scores are divided by how far the head's deviate over the classes in the mean of late, so heads of any scale (logits of a
 * cosine head, distances in hundreds of dimensions) compare. Not by how far a sample's own do: of two classes nothing but
 * their order would be left of a head's margin. A label's first sample of a burst tells what the heads remember, the others only that they repeat
 * themselves: a sample counts by the gap since its label came before, which is 1 ÷ the label's rate in the mean, and
 * within a burst not at all.
 *
 * One head alone is taken as it is.
 */
export function combiner(heads: readonly HeadName[], settings: CombineSettings, from: Combination): Combiner {
  const weights = from.weights.slice();
  const curvature = from.curvature.slice();
  const spreads = from.spreads.slice();

  /** Each head's scores with mean 0 and in its usual deviation; all 0 where it says nothing, or nothing finite. */
  function standardised(scores: Scores): Float64Array[] {
    return heads.map((name, h) => {
      const [centred, deviation] = spreadOf(scores.get(name) ?? new Float64Array(countOf(scores)));
      const [sum, count] = [spreads[h]!, spreads[heads.length + h]!];
      // Its own, as long as nothing is known.
      const usual = count > 0 ? sum / count : deviation;
      return usual > 0 ? centred.map((x) => clamp(x / usual)) : centred.fill(0);
    });
  }

  function observeSpreads(scores: Scores): void {
    heads.forEach((name, h) => {
      const [, deviation] = spreadOf(scores.get(name) ?? new Float64Array(0));
      if (deviation === 0) return;
      const kept = 1 - 1 / SPREAD_MEMORY;
      spreads[h] = kept * spreads[h]! + deviation;
      spreads[heads.length + h] = kept * spreads[heads.length + h]! + 1;
    });
  }

  function combine(scores: Scores): Float64Array {
    const [only] = scores.values();
    if (heads.length === 1 && only !== undefined && only.every(Number.isFinite)) return softmax(only);
    const logits = new Float64Array(countOf(scores));
    for (const [h, said] of standardised(scores).entries()) {
      for (let i = 0; i < logits.length; i++) logits[i]! += weights[h]! * said[i]!;
    }
    return softmax(logits);
  }

  /** One Newton step. */
  function fit(scores: Scores, c: number, gap: number): void {
    const said = standardised(scores);
    const p = combine(scores);
    const expected = said.map((s) => s.reduce((sum, x, i) => sum + p[i]! * x, 0));
    const importance = Math.min(1, gap / (FULL_GAP * countOf(scores)));
    const kept = 1 - importance / settings.memorySamples;
    const damped = new Float64Array(curvature.length);
    for (let h = 0, at = 0; h < heads.length; h++) {
      for (let k = 0; k <= h; k++, at++) {
        const product = said[h]!.reduce((sum, x, i) => sum + p[i]! * x * said[k]![i]!, 0);
        curvature[at] = kept * curvature[at]! + importance * (product - expected[h]! * expected[k]!);
        damped[at] = curvature[at]! + (h === k ? settings.priorStrength : 0);
      }
    }
    const gradient = said.map((s, h) => importance * (expected[h]! - s[c]!));
    const step = solve(cholesky(damped, heads.length), gradient);
    step.forEach((move, h) => {
      weights[h] = Math.min(LARGEST_WEIGHT, Math.max(LEAST_WEIGHT, weights[h]! - move));
    });
  }

  return {
    combine,
    observe(scores, c, gap) {
      const count = countOf(scores);
      if (heads.length === 1 || count < 2) return;
      if (gap >= LEAST_GAP * count) fit(scores, c, gap);
      observeSpreads(scores);
    },
    shares() {
      const total = weights.reduce((a, b) => a + b, 0);
      return new Map(heads.map((name, h) => [name, weights[h]! / total]));
    },
    save: () => ({ weights: weights.slice(), curvature: curvature.slice(), spreads: spreads.slice() }),
  };
}

/** Scores with mean 0, and their deviation over the classes; nothing of scores that are not finite. */
function spreadOf(scores: Float64Array): readonly [centred: Float64Array, deviation: number] {
  const count = scores.length;
  if (count === 0 || !scores.every(Number.isFinite)) return [new Float64Array(count), 0];
  const mean = scores.reduce((sum, x) => sum + x / count, 0);
  const centred = scores.map((x) => x - mean);
  return [centred, Math.sqrt(centred.reduce((sum, x) => sum + x ** 2 / count, 0))];
}

/** A score further away than this says no more than that it is; its square stays finite. */
function clamp(deviations: number): number {
  return Math.min(100, Math.max(-100, deviations));
}

/** C. */
function countOf(scores: Scores): number {
  return [...scores.values()][0]?.length ?? 0;
}

function softmax(logits: Float64Array): Float64Array {
  return logSoftmax(logits).map((x) => Math.exp(x));
}
