import { dot } from "../kernel/tensor.ts";
import { type ClassView, viewOf } from "./class-view.ts";
import { noOwnNumbers, type OwnNumbers, ownGaussians } from "./own-gaussians.ts";
import { addScaled, noPrecision, type PrecisionNumbers, precisionOf } from "./precision.ts";
import type { StatisticsSettings } from "./settings.ts";

/** A classifier on queries in closed form: one pass, no gradient, no stored sample. Class ids are the head's. */
export interface ClosedFormHead {
  /** Log posteriors up to a constant, [C]. */
  scores(query: Float32Array): Float64Array;
  /** One sample of class c; c = C adds a class. */
  learn(query: Float32Array, c: number): void;
  /** Forgets class c; later classes move up by one. */
  drop(c: number): void;
  /** The numbers it is made of. They are live: copy them to keep them. */
  numbers(): StatisticsNumbers;
  /** Made when it is first asked for after something was learned or forgotten; undefined before the first class. */
  view(): ClassView | undefined;
}

/** What the class-conditional Gaussians follow from. */
export interface StatisticsNumbers {
  /** Samples of each class, [C]. */
  readonly counts: number[];
  /** Means of each class, C of [F]. */
  readonly means: Float64Array[];
  /** λ, from the first sample; 0 before it. */
  ridge: number;
  /** Of the latest samples, the mean square of a sample's deviation from its class's mean in the metric of Σ⁻¹; 0 before any. */
  spread: number;
  readonly shared: PrecisionNumbers;
  readonly own: OwnNumbers;
}

/** The spread follows the metric, which the first samples change quickly. */
const spreadSamples = 200;

export function emptyStatistics(): StatisticsNumbers {
  return { counts: [], means: [], ridge: 0, spread: 0, shared: noPrecision(), own: noOwnNumbers() };
}

/**
 * Linear discriminant analysis of a stream (Hayes and Kanan 2020): Gaussians with one mean a class and one covariance for
 * all, so scores are linear: μᵀΣ⁻¹x − ½μᵀΣ⁻¹μ with Σ = (λI + Σ δδᵀ)/degrees, whose inverse is kept (`precision.ts`). λ is
 * `ridge` times the first sample's mean square. A score costs F multiply-adds a class, and 12·F more for the first one after
 * something was learned.
 *
 * Means are drawn towards their centre, those of few samples the most (`class-view.ts`). A mean over n samples errs by F/n in
 * square, and ½μᵀΣ⁻¹μ counts that against its class: undrawn, a class of few samples is hardly ever said.
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
  const { counts, means } = numbers;
  const firstRidge = (x: ArrayLike<number>): void => {
    numbers.ridge ||= (settings.ridge * dot(x, x)) / width || 1;
  };
  // A compact state has means and no covariance, and need not have a ridge.
  means.slice(0, 1).forEach(firstRidge);
  const ridge = (): number => numbers.ridge;
  const shared = precisionOf(numbers.shared, width, ridge, means);
  const own = settings.ownCovariance && ownGaussians(settings.ownCovariance, numbers.own, width, ridge, means);

  let cachedView: ClassView | undefined;
  function view(): ClassView | undefined {
    if (counts.length === 0) return undefined;
    const {
      spread,
      shared: { weights },
    } = numbers;
    return (cachedView ??= viewOf({ counts, means, weights }, shared.scale(), settings.drawMeans ? spread : 0));
  }

  function sharedScores(query: Float32Array, { weight, constant, products, squares, drawn }: ClassView): Float64Array {
    const scale = shared.scale();
    const away = dot(weight, query) - constant;
    return Float64Array.from(counts, (count, c) => {
      const linear = dot(numbers.shared.weights[c]!, query) - products[c]! - away;
      const score = drawn[c]! * scale * (linear - (drawn[c]! * squares[c]!) / 2);
      return score + (settings.classPrior === "counts" ? Math.log(count) : 0);
    });
  }

  return {
    scores(query) {
      const from = view();
      if (!from) return new Float64Array(0);
      const together = sharedScores(query, from);
      return own ? own.refine(together, query) : together;
    },
    learn(query, c) {
      cachedView = undefined;
      firstRidge(query);
      const count = (counts[c] ?? 0) + 1;
      counts[c] = count;
      if (count === 1) {
        const mean = Float64Array.from(query);
        means.push(mean);
        shared.add(mean);
        own?.add(mean);
        return;
      }
      const mean = means[c]!;
      const delta = mean.map((m, i) => query[i]! - m);
      own?.learn(c, delta, count);
      const square = shared.deviate(c, delta, count);
      numbers.spread += (square - numbers.spread) / Math.min(numbers.shared.degrees, spreadSamples);
      addScaled(mean, delta, 1 / count);
    },
    drop(c) {
      cachedView = undefined;
      counts.splice(c, 1);
      means.splice(c, 1);
      shared.drop(c);
      own?.drop(c);
    },
    numbers: () => numbers,
    view,
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
