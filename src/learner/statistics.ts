import { dot } from "../kernel/tensor.ts";
import { noOwnNumbers, type OwnNumbers, ownGaussians } from "./own-gaussians.ts";
import type { StatisticsSettings } from "./settings.ts";
import { isotropic, subtractOuter, symmetricProduct } from "./symmetric.ts";

/** A classifier on queries in closed form: one pass, no gradient, no stored sample. Class ids are the head's. */
export interface ClosedFormHead {
  /** Log posterior up to a constant, [C]. */
  scores(query: Float32Array): Float64Array;
  /** Learns from what was said of samples before they are learned, how far to trust its parts; c < C is what it turned out to be. */
  observe(query: Float32Array, c: number): void;
  /** One sample of class c; c = C adds a class. */
  learn(query: Float32Array, c: number): void;
  /** Forgets class c; later classes move up by one. */
  drop(c: number): void;
  /** The numbers it is made of. They are live: copy them to keep them. */
  numbers(): StatisticsNumbers;
}

/** What the class-conditional Gaussians follow from. */
export interface StatisticsNumbers {
  /** Samples of each class, [C]. */
  readonly counts: number[];
  /** Means of each class, C of [F]. */
  readonly means: Float64Array[];
  /** λ, from the first sample; 0 before it. */
  ridge: number;
  /** How many deviations δδᵀ from their class's mean are in the inverse. */
  degrees: number;
  /** P = (λI + Σ δδᵀ)⁻¹, packed; undefined before the first sample. */
  inverse: Float64Array | undefined;
  /** P·μ of each class, C of [F]. */
  readonly weights: Float64Array[];
  readonly own: OwnNumbers;
}

export function emptyStatistics(): StatisticsNumbers {
  return { counts: [], means: [], ridge: 0, degrees: 0, inverse: undefined, weights: [], own: noOwnNumbers() };
}

/**
 * Linear discriminant analysis of a stream (Hayes and Kanan 2020): Gaussians with one mean a class and one covariance for
 * all, so scores are linear: μᵀΣ⁻¹x − ½μᵀΣ⁻¹μ with Σ = (λI + Σ δδᵀ)/degrees. Its inverse is kept, and stays exact with every
 * sample (Sherman and Morrison 1950): a covariance that lags would cost most where it matters, after a change of light or
 * lens. λ is `ridge` times the first sample's mean square.
 *
 * A learned sample costs 1.5·F² multiply-adds and 2·F a class, a score 2·F a class; nothing is ever solved anew.
 *
 * With `ownCovariance` it is a regularised discriminant analysis (Friedman 1989): for the classes that come first by these
 * scores, the log ratio of the class's own Gaussian to the shared one is added (`own-gaussians.ts`).
 *
 * A forgotten class takes its count, mean and own covariance with it; what it gave to the shared one cannot be told apart
 * and stays.
 */
export function gaussians(
  settings: StatisticsSettings,
  width: number,
  from: StatisticsNumbers = emptyStatistics(),
): ClosedFormHead {
  const numbers = from;
  const { counts, means, weights } = numbers;
  const own = settings.ownCovariance && ownGaussians(settings.ownCovariance, width, numbers);

  /** The inverse before any deviation is in it. */
  function firstInverse(energy: number): Float64Array {
    numbers.ridge ||= settings.ridge * energy || 1;
    return isotropic(width, 1 / numbers.ridge);
  }

  // A compact state has means and no covariance.
  if (counts.length > 0 && numbers.inverse === undefined) {
    numbers.inverse = firstInverse(dot(means[0]!, means[0]!) / width);
    weights.push(...means.map((mean) => symmetricProduct(numbers.inverse!, mean)));
  }

  /** Σ δδᵀ grows by grown·δδᵀ. @returns P·δ for the new P */
  function deviate(delta: Float64Array, grown: number): Float64Array {
    const inverse = numbers.inverse!;
    const u = symmetricProduct(inverse, delta);
    const denominator = 1 + grown * dot(u, delta);
    const scale = grown / denominator;
    subtractOuter(inverse, u, scale);
    means.forEach((mean, c) => addScaled(weights[c]!, u, -scale * dot(u, mean)));
    numbers.degrees += 1;
    return u.map((value) => value / denominator);
  }

  function sharedScores(query: Float32Array): Float64Array {
    const precision = numbers.degrees + 1;
    return Float64Array.from(counts, (count, c) => {
      const linear = dot(weights[c]!, query) - dot(weights[c]!, means[c]!) / 2;
      return precision * linear + (settings.classPrior === "counts" ? Math.log(count) : 0);
    });
  }

  return {
    scores: (query) => (own ? own.refine(sharedScores(query), query) : sharedScores(query)),
    observe: (query, c) => own?.observe(sharedScores(query), query, c),
    learn(query, c) {
      numbers.inverse ??= firstInverse(dot(query, query) / width);
      const count = (counts[c] ?? 0) + 1;
      counts[c] = count;
      if (count === 1) {
        means[c] = Float64Array.from(query);
        weights[c] = symmetricProduct(numbers.inverse, query);
        own?.add(c);
        return;
      }
      const mean = means[c]!;
      const delta = mean.map((m, i) => query[i]! - m);
      // Welford: the mean moves by δ/n, so the deviations' sum grows by (n − 1)/n·δδᵀ.
      const grown = (count - 1) / count;
      const moved = deviate(delta, grown);
      addScaled(mean, delta, 1 / count);
      addScaled(weights[c]!, moved, 1 / count);
      own?.learn(c, delta, grown);
    },
    drop(c) {
      counts.splice(c, 1);
      means.splice(c, 1);
      weights.splice(c, 1);
      own?.drop(c);
    },
    numbers: () => numbers,
  };
}

/**
 * A query as the statistics take it: each of its parts, q(x) and the means of patch tokens, [D] each, with a mean square of 1.
 * The deeper tokens are an order of magnitude larger than q(x) in one backbone and smaller in another, and light changes
 * their length more than their direction.
 */
export function evenParts(query: Float32Array, width: number): Float32Array {
  const even = query.slice();
  for (let start = 0; start < even.length; start += width) {
    const part = even.subarray(start, start + width);
    const root = Math.sqrt(dot(part, part) / width);
    if (root > 0) for (let i = 0; i < part.length; i++) part[i]! /= root;
  }
  return even;
}

function addScaled(to: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * x[i]!;
}
