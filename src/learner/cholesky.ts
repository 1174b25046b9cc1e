/** Symmetric and triangular matrices keep the lower triangle, row after row: (i, j ≤ i) is at i(i + 1)/2 + j. */
export function packedLength(size: number): number {
  return (size * (size + 1)) / 2;
}

/**
 * L with L·Lᵀ = a, both packed; `a` must be positive definite. size³/6 multiply-adds.
 * Returns a new array.
 */
export function cholesky(a: Float64Array, size: number): Float64Array {
  const l = a.slice();
  for (let i = 0; i < size; i++) {
    const rowI = packedLength(i);
    for (let j = 0; j <= i; j++) {
      const rowJ = packedLength(j);
      const sum = l[rowI + j]! - dotOfRuns(l, rowI, l, rowJ, j);
      l[rowI + j] = i === j ? Math.sqrt(sum) : sum / l[rowJ + j]!;
    }
  }
  return l;
}

/** Σ x[i + k]·y[j + k], k < length; four sums at a time, which a processor adds beside each other. */
export function dotOfRuns(
  x: Float32Array | Float64Array,
  i: number,
  y: Float64Array,
  j: number,
  length: number,
): number {
  let [s0, s1, s2, s3, k] = [0, 0, 0, 0, 0];
  for (; k + 3 < length; k += 4) {
    s0 += x[i + k]! * y[j + k]!;
    s1 += x[i + k + 1]! * y[j + k + 1]!;
    s2 += x[i + k + 2]! * y[j + k + 2]!;
    s3 += x[i + k + 3]! * y[j + k + 3]!;
  }
  for (; k < length; k++) s0 += x[i + k]! * y[j + k]!;
  return s0 + s1 + s2 + s3;
}

/** x [size] with L·x = b. size²/2 multiply-adds. */
function forwardSolve(l: Float64Array, b: ArrayLike<number>): Float64Array {
  const x = Float64Array.from(b);
  for (let i = 0; i < x.length; i++) {
    const row = packedLength(i);
    let sum = x[i]!;
    for (let j = 0; j < i; j++) sum -= l[row + j]! * x[j]!;
    x[i] = sum / l[row + i]!;
  }
  return x;
}

/** x [size] with L·Lᵀ·x = b. size² multiply-adds. */
export function solve(l: Float64Array, b: ArrayLike<number>): Float64Array {
  const x = forwardSolve(l, b);
  for (let i = x.length - 1; i >= 0; i--) {
    const row = packedLength(i);
    const value = x[i]! / l[row + i]!;
    x[i] = value;
    for (let j = 0; j < i; j++) x[j]! -= l[row + j]! * value;
  }
  return x;
}
