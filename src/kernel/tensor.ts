import { appError } from "./errors.ts";

/** Row-major float32 numbers with their shape; `data.length` is the product of `shape`. */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** @throws AppError `tensor/shape` when the data's length is not the product of the shape. */
export function tensor(data: Float32Array, shape: readonly number[]): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw appError("tensor/shape", `${data.length} numbers do not fill [${shape.join(",")}]`);
  }
  return { data, shape };
}

export function zeros(shape: readonly number[]): Tensor {
  return { data: new Float32Array(sizeOf(shape)), shape };
}

/** How many numbers a shape holds; 1 for the scalar shape []. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

/** Row i of a tensor seen as [rows, shape[last]], without a copy. */
export function row(t: Tensor, i: number): Float32Array {
  const width = t.shape.at(-1) ?? 1;
  return t.data.subarray(i * width, (i + 1) * width);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
