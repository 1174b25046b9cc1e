import { dotOfRuns, packedLength } from "./cholesky.ts";

/** Symmetric matrices, packed as `cholesky.ts` packs them. value·I. */
export function isotropic(size: number, value: number): Float64Array {
  const packed = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++) packed[packedLength(i) + i] = value;
  return packed;
}

/** P·x. size² multiply-adds. */
export function symmetricProduct(packed: Float64Array, x: ArrayLike<number>): Float64Array {
  const product = new Float64Array(x.length);
  for (let i = 0, at = 0; i < x.length; i++, at++) {
    const own = x[i]!;
    let sum = 0;
    for (let j = 0; j < i; j++, at++) {
      sum += packed[at]! * x[j]!;
      product[j]! += packed[at]! * own;
    }
    product[i]! += sum + packed[at]! * own;
  }
  return product;
}

/** P − scale·u·uᵀ in place. size²/2 multiply-adds. */
export function subtractOuter(packed: Float32Array | Float64Array, u: Float64Array, scale: number): void {
  for (let i = 0, at = 0; i < u.length; i++) {
    const scaled = scale * u[i]!;
    for (let j = 0; j <= i; j++) packed[at++]! -= scaled * u[j]!;
  }
}

/** uᵀ·S·u. size²/2 multiply-adds. */
export function quadraticForm(packed: Float32Array | Float64Array, u: Float64Array): number {
  let form = 0;
  for (let i = 0, at = 0; i < u.length; at += i + 1, i++) {
    form += u[i]! * (2 * dotOfRuns(packed, at, u, 0, i) + packed[at + i]! * u[i]!);
  }
  return form;
}

/** tr(P·S). size²/2 multiply-adds. */
export function traceOfProduct(p: Float64Array, s: Float32Array): number {
  let [twice, diagonal] = [0, 0];
  for (let i = 0, at = 0; at < p.length; i++, at++) {
    for (let j = 0; j < i; j++, at++) twice += p[at]! * s[at]!;
    diagonal += p[at]! * s[at]!;
  }
  return 2 * twice + diagonal;
}
