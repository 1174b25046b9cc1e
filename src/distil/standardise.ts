import { cholesky, packedLength } from "../learner/cholesky.ts";

/** Mean and standard deviation of each feature, [D]. */
export interface Standardisation {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Over all rows of the arrays, each [rows, D]. */
export function standardisationOf(features: readonly Float32Array[], width: number): Standardisation {
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  let rows = 0;
  for (const data of features) {
    rows += data.length / width;
    for (let i = 0; i < data.length; i++) {
      mean[i % width]! += data[i]!;
      squares[i % width]! += data[i]! ** 2;
    }
  }
  for (let d = 0; d < width; d++) mean[d]! /= rows;
  return { mean, deviation: squares.map((sum, d) => Math.sqrt(Math.max(1e-12, sum / rows - mean[d]! ** 2))) };
}

/** In place: (x − mean) / deviation, rows of [D]. */
export function standardise(data: Float32Array, { mean, deviation }: Standardisation): void {
  const width = mean.length;
  for (let i = 0; i < data.length; i++) data[i] = (data[i]! - mean[i % width]!) / deviation[i % width]!;
}

/**
 * W [D, D] such that rows of x·W are uncorrelated with variance 1, for standardised x of correlation C:
 * W = L⁻ᵀ with L·Lᵀ = (1 − shrinkage)·C + shrinkage·I. Shrinkage 1 changes nothing.
 */
export function whiteningOf(standardised: Float32Array, width: number, shrinkage: number): Float32Array {
  const rows = standardised.length / width;
  const packed = new Float64Array(packedLength(width));
  for (let r = 0; r < rows; r++) {
    const x = standardised.subarray(r * width, (r + 1) * width);
    let index = 0;
    for (let i = 0; i < width; i++) for (let j = 0; j <= i; j++) packed[index++]! += x[i]! * x[j]!;
  }
  const mixed = packed.map((sum) => ((1 - shrinkage) * sum) / rows);
  for (let i = 0; i < width; i++) mixed[packedLength(i) + i]! += shrinkage;
  return transposedInverse(cholesky(mixed, width), width);
}

/** L⁻ᵀ of a packed lower triangle, as a full matrix. */
function transposedInverse(l: Float64Array, size: number): Float32Array {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column++) {
    for (let i = column; i < size; i++) {
      let sum = i === column ? 1 : 0;
      for (let k = column; k < i; k++) sum -= l[packedLength(i) + k]! * inverse[k * size + column]!;
      inverse[i * size + column] = sum / l[packedLength(i) + i]!;
    }
  }
  return Float32Array.from(inverse, (_, at) => inverse[(at % size) * size + Math.floor(at / size)]!);
}
