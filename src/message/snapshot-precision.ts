import { fromFloat32, readNumbers, storeNumbers, type StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import type { StateArray } from "../kernel/state.ts";
import { sizeOf } from "../kernel/tensor.ts";

/** Of the matrices in a snapshot. */
export type Precision = "fp16" | "int8";

type Named = readonly (readonly [name: string, tensor: StoredTensor])[];

/** Where an int8 array's scales stand, [rows] in F32. */
export function scaleName(name: string): string {
  return `${name}.scale`;
}

/**
 * Matrices of real numbers (prompts, keys, head weights, class means) are nearly all of a snapshot and bear rounding;
 * whole numbers and vectors (counts, head biases, losses) are few and stay as they are. A matrix that the precision cannot
 * hold (beyond ±65,504 in fp16, not finite) stays exact too: no number becomes infinite unnoticed.
 */
export function storeRounded(name: string, array: StateArray, precision: Precision): Named {
  const { data, shape } = array;
  if (data instanceof Int32Array || shape.length < 2) return [[name, storeNumbers(data, shape)]];
  const values = Float32Array.from(data);
  const rounded = precision === "fp16" ? halfOf(name, values, shape) : rowsOf(name, values, shape);
  return rounded ?? [[name, storeNumbers(data, shape)]];
}

function halfOf(name: string, data: Float32Array, shape: readonly number[]): Named | undefined {
  const half = fromFloat32({ data, shape }, "F16");
  return readNumbers(half).every(Number.isFinite) ? [[name, half]] : undefined;
}

/** Symmetric, one scale a row (the last dimension): the row's largest magnitude becomes ±127. */
function rowsOf(name: string, data: Float32Array, shape: readonly number[]): Named | undefined {
  const width = shape.at(-1)!;
  const scales = new Float32Array(sizeOf(shape.slice(0, -1)));
  const steps = new Int8Array(data.length);
  for (let r = 0; r < scales.length; r++) {
    const row = data.subarray(r * width, (r + 1) * width);
    const largest = row.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    // NaN and infinities give no scale; the very largest finite numbers would round to infinity.
    if (!(largest <= 1e38)) return undefined;
    const scale = Math.fround(largest / 127);
    scales[r] = scale;
    if (scale > 0) for (let i = 0; i < width; i++) steps[r * width + i] = Math.round(row[i]! / scale);
  }
  const bytes = new Uint8Array(steps.buffer);
  return [
    [name, { dtype: "I8", shape, bytes }],
    [scaleName(name), storeNumbers(scales, shape.slice(0, -1))],
  ];
}

/** The numbers of an int8 array. @throws AppError `snapshot/format` for absent or misshapen scales */
export function expandRows(name: string, tensor: StoredTensor, scales: StoredTensor | undefined): Float32Array {
  const rows = tensor.shape.slice(0, -1);
  if (tensor.shape.length < 1 || scales?.dtype !== "F32" || scales.shape.join() !== rows.join()) {
    throw appError("snapshot/format", `"${name.slice(0, 80)}" has no scale for each of its rows`);
  }
  const width = tensor.shape.at(-1)!;
  const scale = readNumbers(scales);
  return Float32Array.from(readNumbers(tensor), (step, i) => step * scale[Math.floor(i / width)]!);
}
