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

/** A sample counts in full where its label's gap is this many times the number of classes, and not at all below the other. */
const FULL_GAP = 4;
const LEAST_GAP = 0.5;

export function freshCombination(heads: readonly HeadName[], { prior }: CombineSettings): Combination {
  return {
    weights: Float64Array.from(heads, (name) => prior[name]),
    curvature: new Float64Array(packedLength(heads.length)),
  };
}

/**
 * Logistic stacking (Wolpert 1992), online: one weight for each head, fitted to the log-loss of predictions that were made
 * before learning. The problem is convex with a handful of numbers, so each sample moves them by one Newton step, damped by
 * what was seen before (recursive logistic regression) and by the prior. It calibrates as well: a head that is too sure of
 * itself gets a small weight, and heads that err on different samples are both heard.
 *
 * Scores are standardised sample by sample, so heads of any scale (logits of a cosine head, distances in hundreds of
 * dimensions) compare. A label's first sample of a burst tells what the heads remember, the others only that they repeat
 * themselves: a sample counts by the gap since its label came before, which is 1 ÷ the label's rate in the mean, and
 * within a burst not at all.
 *
 * One head alone is taken as it is.
 */
export function combiner(heads: readonly HeadName[], settings: CombineSettings, from: Combination): Combiner {
  const weights = from.weights.slice();
  const curvature = from.curvature.slice();

  function combine(scores: Scores): Float64Array {
    const [only] = scores.values();
    if (heads.length === 1 && only !== undefined && only.every(Number.isFinite)) return softmax(only);
    const count = only?.length ?? 0;
    const logits = new Float64Array(count);
    for (const [h, said] of standardised(heads, scores).entries()) {
      for (let i = 0; i < count; i++) logits[i]! += weights[h]! * said[i]!;
    }
    return softmax(logits);
  }

  return {
    combine,
    observe(scores, c, gap) {
      const said = standardised(heads, scores);
      const count = said[0]!.length;
      if (heads.length === 1 || count < 2 || gap < LEAST_GAP * count) return;
      const p = combine(scores);
      const expected = said.map((s) => s.reduce((sum, x, i) => sum + p[i]! * x, 0));
      const importance = Math.min(1, gap / (FULL_GAP * count));
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
    },
    shares() {
      const total = weights.reduce((a, b) => a + b, 0);
      return new Map(heads.map((name, h) => [name, weights[h]! / total]));
    },
    save: () => ({ weights: weights.slice(), curvature: curvature.slice() }),
  };
}

/** Each head's scores with mean 0 and deviation 1 over the classes; all 0 where it says nothing, or nothing finite. */
function standardised(heads: readonly HeadName[], scores: Scores): Float64Array[] {
  const count = [...scores.values()][0]?.length ?? 0;
  return heads.map((name) => {
    const s = scores.get(name);
    const silent = new Float64Array(count);
    if (s === undefined || !s.every(Number.isFinite)) return silent;
    const mean = s.reduce((sum, x) => sum + x / count, 0);
    const deviation = Math.sqrt(s.reduce((sum, x) => sum + (x - mean) ** 2 / count, 0));
    return deviation > 0 ? s.map((x) => (x - mean) / deviation) : silent;
  });
}

function softmax(logits: Float64Array): Float64Array {
  return logSoftmax(logits).map((x) => Math.exp(x));
}
