import { dot } from "../kernel/tensor.ts";
import { isotropic, subtractOuter, symmetricProduct, traceOfProduct } from "./symmetric.ts";

/** What Gaussians with one mean a class and one covariance for all follow from, means apart. */
export interface PrecisionNumbers {
  /** How many deviations δδᵀ from their class's mean are in the inverse. */
  degrees: number;
  /** P = (λI + Σ δδᵀ)⁻¹, packed; undefined before the first sample. */
  inverse: Float64Array | undefined;
  /** P·μ of each class, C of [size]. */
  readonly weights: Float64Array[];
}

export interface Precision {
  /** A class's first sample, its mean. */
  add(mean: Float64Array): void;
  /**
   * Sample n of class c, δ from its mean before it; to be called before the mean moves by δ/n.
   * @returns (n − 1)/n·δᵀΣ⁻¹δ by what was known before it: as large as a sample's deviation from the true mean, on average.
   */
  deviate(c: number, delta: Float64Array, n: number): number;
  drop(c: number): void;
  /** Σ⁻¹ ÷ P. */
  scale(): number;
  /** tr(P·S), S packed. */
  trace(s: Float32Array): number;
  /** P·x, [size]. */
  times(x: ArrayLike<number>): Float64Array;
}

export function noPrecision(): PrecisionNumbers {
  return { degrees: 0, inverse: undefined, weights: [] };
}

/**
 * The inverse covariance of a stream, and its product with each mean: exact after every sample (Sherman and Morrison 1950),
 * for one that lags would cost most where it matters, after a change of light or lens. A sample costs 1.5·size² multiply-adds
 * and 2·size a class; nothing is ever solved anew.
 *
 * Of numbers that have means and no inverse, as a compact state has, it makes the inverse before any deviation.
 * @param ridge λ > 0; asked for once, with the first sample.
 * @param means Live, C of [≥ size]: their first `size` numbers count.
 */
export function precisionOf(
  numbers: PrecisionNumbers,
  size: number,
  ridge: () => number,
  means: readonly Float64Array[],
): Precision {
  const { weights } = numbers;
  const inverse = (): Float64Array => (numbers.inverse ??= isotropic(size, 1 / ridge()));
  const times = (x: ArrayLike<number>): Float64Array => symmetricProduct(inverse(), x);
  const add = (mean: Float64Array): void => void weights.push(times(mean.subarray(0, size)));
  means.slice(weights.length).forEach(add);
  return {
    add,
    times,
    scale: () => numbers.degrees + 1,
    trace: (s) => traceOfProduct(inverse(), s),
    deviate(c, delta, n) {
      const first = delta.subarray(0, size);
      // Welford: the mean moves by δ/n, so the deviations' sum grows by (n − 1)/n·δδᵀ.
      const grown = (n - 1) / n;
      const u = times(first);
      const square = grown * dot(u, first);
      const denominator = 1 + square;
      const factor = grown / denominator;
      subtractOuter(inverse(), u, factor);
      means.forEach((mean, other) => addScaled(weights[other]!, u, -factor * dot(u, mean)));
      // P·δ with the new P is u/denominator.
      addScaled(weights[c]!, u, 1 / (denominator * n));
      numbers.degrees += 1;
      return numbers.degrees * square;
    },
    drop: (c) => void weights.splice(c, 1),
  };
}

export function addScaled(to: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * x[i]!;
}
