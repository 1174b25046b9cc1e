import { cholesky, forwardSolve, packedLength } from "./cholesky.ts";
import type { OwnCovarianceSettings } from "./settings.ts";

/** Scatter of one class around its own mean, over its first k coordinates. */
export interface OwnScatter {
  /** Σ δδᵀ, packed lower triangle [k(k + 1)/2]; single precision, for there is one of each class. */
  readonly sums: Float32Array;
  /** How many δδᵀ are in it. */
  degrees: number;
}

export function emptyOwnScatter(coordinates: number): OwnScatter {
  return { sums: new Float32Array(packedLength(coordinates)), degrees: 0 };
}

/** Adds weight·δδᵀ in place, of δ's first k coordinates. k²/2 multiply-adds. */
export function addOwnOuter(scatter: OwnScatter, delta: Float64Array, weight: number, coordinates: number): void {
  const { sums } = scatter;
  for (let i = 0, at = 0; i < coordinates; i++) {
    const scaled = weight * delta[i]!;
    for (let j = 0; j <= i; j++) sums[at++]! += scaled * delta[j]!;
  }
  scatter.degrees += 1;
}

/** The shared covariance as the classes' own ones need it: its first k coordinates. */
export interface SharedCovariance {
  /** Its Cholesky factor, packed; the first k rows are the factor of the first k coordinates. */
  readonly factor: Float64Array;
  /** The covariance itself, L·Lᵀ, packed [k(k + 1)/2]. */
  readonly covariance: Float64Array;
  /** Σ log of the factor's diagonal. */
  readonly logScale: number;
}

/** k³/3 multiply-adds. */
export function sharedCovariance(factor: Float64Array, coordinates: number): SharedCovariance {
  const covariance = new Float64Array(packedLength(coordinates));
  for (let i = 0, at = 0; i < coordinates; i++) {
    const rowI = packedLength(i);
    for (let j = 0; j <= i; j++, at++) {
      const rowJ = packedLength(j);
      let sum = 0;
      for (let k = 0; k <= j; k++) sum += factor[rowI + k]! * factor[rowJ + k]!;
      covariance[at] = sum;
    }
  }
  return { factor, covariance, logScale: logScaleOf(factor, coordinates) };
}

/** A class's own Gaussian, beside the shared one. */
export interface OwnGaussian {
  /** log of own density ÷ shared density, both around the class's mean, at x's first k coordinates. k² multiply-adds. */
  logRatio(x: ArrayLike<number>): number;
}

/**
 * The covariance of a regularised discriminant analysis (Friedman 1989, eq. 15): (1 − a)·shared + a·own. How much of it is the
 * class's own grows with its samples, a = weight·n/(n + samples) for n degrees of freedom. k³/6 multiply-adds.
 */
export function ownGaussian(
  shared: SharedCovariance,
  { sums, degrees }: OwnScatter,
  mean: Float64Array,
  { weight, samples, coordinates }: OwnCovarianceSettings,
): OwnGaussian {
  const size = Math.min(coordinates, mean.length);
  const own = (weight * degrees) / (degrees + samples);
  const scale = degrees === 0 ? 0 : own / degrees;
  const factor = cholesky(
    shared.covariance.map((value, i) => (1 - own) * value + scale * sums[i]!),
    size,
  );
  const logScale = logScaleOf(factor, size);
  return {
    logRatio: (x) => {
      const delta = Float64Array.from({ length: size }, (_, i) => x[i]! - mean[i]!);
      return (
        (squaredNorm(forwardSolve(shared.factor, delta)) - squaredNorm(forwardSolve(factor, delta))) / 2 +
        (shared.logScale - logScale)
      );
    },
  };
}

function logScaleOf(factor: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.log(factor[packedLength(i) + i]!);
  return sum;
}

function squaredNorm(x: Float64Array): number {
  return x.reduce((sum, value) => sum + value * value, 0);
}
