import { appError } from "./errors.ts";
import { bfloat16ToFloat32, float32ToHalf, halfToFloat32 } from "./half.ts";
import { sizeOf, type Tensor } from "./tensor.ts";

/** The number types that stored tensors may have, with their bytes a number. */
export const dtypeBytes = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I8: 1, U8: 1 } as const;

export type Dtype = keyof typeof dtypeBytes;

/** Numbers as they lie in a file: little-endian, row-major, of any alignment. */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Numbers that are stored without conversion: as F32, F64, I32. */
type Numbers = Float32Array | Float64Array | Int32Array;

/** The same numbers without conversion; shares the array's memory. @throws AppError `tensor/shape` */
export function storeNumbers(data: Numbers, shape: readonly number[]): StoredTensor {
  if (data.length !== sizeOf(shape)) {
    throw appError("tensor/shape", `${data.length} numbers do not fill [${shape.join(",")}]`);
  }
  const dtype = data instanceof Float32Array ? "F32" : data instanceof Float64Array ? "F64" : "I32";
  return { dtype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

const readers: Readonly<Record<Dtype, (buffer: ArrayBufferLike, offset: number, count: number) => Numbers>> = {
  F64: (buffer, offset, count) => new Float64Array(buffer, offset, count),
  I64: (buffer, offset, count) => Float32Array.from(new BigInt64Array(buffer, offset, count), Number),
  F32: (buffer, offset, count) => new Float32Array(buffer, offset, count),
  I32: (buffer, offset, count) => new Int32Array(buffer, offset, count),
  F16: (buffer, offset, count) => halfToFloat32(new Uint16Array(buffer, offset, count)),
  BF16: (buffer, offset, count) => bfloat16ToFloat32(new Uint16Array(buffer, offset, count)),
  I8: (buffer, offset, count) => Float32Array.from(new Int8Array(buffer, offset, count)),
  U8: (buffer, offset, count) => Float32Array.from(new Uint8Array(buffer, offset, count)),
};

/**
 * F64 → Float64Array, I32 → Int32Array, all others → Float32Array (of I64, beyond 2^24, the nearest).
 * Shares the stored bytes' memory where type and alignment allow.
 */
export function readNumbers({ dtype, bytes }: StoredTensor): Numbers {
  const { buffer, byteOffset, length } = aligned(bytes, dtypeBytes[dtype]);
  return readers[dtype](buffer, byteOffset, length / dtypeBytes[dtype]);
}

/** Any stored tensor as float32, rounded where it must be. Shares memory where type and alignment allow. */
export function toFloat32(stored: StoredTensor): Tensor {
  const numbers = readNumbers(stored);
  return { data: numbers instanceof Float32Array ? numbers : Float32Array.from(numbers), shape: stored.shape };
}

/** F32 shares the tensor's memory; F16 rounds to nearest, beyond ±65,504 to ±Infinity. */
export function fromFloat32({ data, shape }: Tensor, dtype: "F32" | "F16"): StoredTensor {
  const words = dtype === "F32" ? data : float32ToHalf(data);
  return { dtype, shape, bytes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) };
}

/** The same bytes where a typed array of this word size may begin: a copy only where it must be. */
function aligned(bytes: Uint8Array, wordBytes: number): Uint8Array {
  return bytes.byteOffset % wordBytes === 0 ? bytes : new Uint8Array(bytes);
}
