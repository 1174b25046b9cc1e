import { cholesky, packedLength } from "./cholesky.ts";

/** Scatter of samples around their class means; additive, so two devices' scatters can be summed. */
export interface Scatter {
  /** Σ δδᵀ, packed lower triangle (see `cholesky.ts`). */
  readonly sums: Float64Array;
  /** How many δδᵀ are in it. */
  degrees: number;
}

export function emptyScatter(width: number): Scatter {
  return { sums: new Float64Array(packedLength(width)), degrees: 0 };
}

/** Adds weight·δδᵀ in place. D²/2 multiply-adds. */
export function addOuter(scatter: Scatter, delta: Float64Array, weight: number): void {
  const { sums } = scatter;
  let index = 0;
  for (let i = 0; i < delta.length; i++) {
    const scaled = weight * delta[i]!;
    for (let j = 0; j <= i; j++) sums[index++]! += scaled * delta[j]!;
  }
  scatter.degrees += 1;
}

/** Sum of the diagonal. */
export function trace(packed: Float64Array, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += packed[packedLength(i) + i]!;
  return sum;
}

/**
 * Weight of the isotropic part by OAS (Chen, Wiesel, Eldar and Hero 2010, eq. 23): 1 while there are few samples,
 * towards 0 as they come to outnumber the dimensions. No cross-validation, no constant to choose.
 */
export function oasShrinkage({ sums, degrees }: Scatter, width: number): number {
  if (degrees === 0) return 1;
  let squares = 0;
  let index = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) squares += (i === j ? 1 : 2) * (sums[index++]! / degrees) ** 2;
  }
  const traceSquared = (trace(sums, width) / degrees) ** 2;
  const numerator = (1 - 2 / width) * squares + traceSquared;
  const denominator = (degrees + 1 - 2 / width) * (squares - traceSquared / width);
  return denominator <= 0 ? 1 : Math.min(1, numerator / denominator);
}

/** A little isotropy always: rounding must not make the matrix indefinite. */
const leastShrinkage = 1e-6;

/**
 * Cholesky factor of (1 − ρ)·scatter/degrees + ρ·variance·I, with ρ the shrinkage.
 * @param variance > 0, of one coordinate.
 */
export function factorise(scatter: Scatter, width: number, variance: number, shrinkage: "oas" | number): Float64Array {
  const wanted = shrinkage === "oas" ? oasShrinkage(scatter, width) : shrinkage;
  const rho = scatter.degrees === 0 ? 1 : Math.min(1, Math.max(leastShrinkage, wanted));
  // While samples are few it is isotropic, and its factor is no work.
  if (rho === 1) return diagonal(width, Math.sqrt(variance));
  const scale = (1 - rho) / scatter.degrees;
  const covariance = scatter.sums.map((sum) => scale * sum);
  for (let i = 0; i < width; i++) covariance[packedLength(i) + i]! += rho * variance;
  return cholesky(covariance, width);
}

function diagonal(width: number, value: number): Float64Array {
  const packed = new Float64Array(packedLength(width));
  for (let i = 0; i < width; i++) packed[packedLength(i) + i] = value;
  return packed;
}
