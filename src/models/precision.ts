import { partName, quantisedParts, type Rows, scaleName } from "../backbone/quantised.ts";
import type { Model } from "../backbone/model.ts";
import { fromFloat32, type StoredTensor } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { encodeSafetensors } from "../kernel/safetensors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import type { StoredConstant } from "../onnx/graph.ts";
import type { QuantisedWeight } from "../onnx/ops/stored.ts";
import { type OnRounded, productErrors } from "./product-errors.ts";

/** Precisions that weights can be rounded to. */
export type RoundedPrecision = "fp16" | "int8";

/** A ViT's weights as a .safetensors file of another precision. */
export interface Rounded {
  readonly file: Uint8Array;
  /** What was done, in words. */
  readonly changes: readonly string[];
}

/**
 * Of a product's result, what int8 may cost. Most products lose 1 to 3 %; those whose input has an activation far beyond
 * all others lose half of it (ViT-Tiny's 8th block: 56 %), and one of them spoils the features.
 */
const worstError = 0.1;

/**
 * `fp16`: every tensor, to the nearest. `int8`: the products of the blocks, each output channel by a scale of its own,
 * symmetric, −127…127, but for those that would lose more than a tenth of their result; the rest in float32.
 * @throws AppError `model/not-finite` for a number beyond fp16
 */
export async function roundWeights(
  model: Model,
  precision: RoundedPrecision,
  onProgress?: OnRounded,
): Promise<Rounded> {
  const { tensors, changes } = precision === "fp16" ? halves(model.weights) : await quantised(model, onProgress);
  // PyTorch's readers of the format ask for this word.
  return { file: encodeSafetensors(tensors, new Map([["format", "pt"]])), changes };
}

interface RoundedTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly changes: readonly string[];
}

function halves(weights: ReadonlyMap<string, Tensor>): RoundedTensors {
  const largest = 65_504;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, weight] of weights) {
    if (weight.data.some((value) => Math.abs(value) > largest)) {
      throw appError("model/not-finite", `"${name}" holds a number beyond ±${largest}, which fp16 has not`);
    }
    tensors.set(name, fromFloat32(weight, "F16"));
  }
  return { tensors, changes: ["rounded to fp16"] };
}

async function quantised(model: Model, onProgress?: OnRounded): Promise<RoundedTensors> {
  const { weights } = model;
  const parts = quantisedParts(model.architecture);
  const rounded = new Map(
    parts.map(({ weight, rows }) => [partName(weight, rows), quantise(weights.get(weight)!, rows)] as const),
  );
  const errors = await productErrors(model, rounded, onProgress);
  const spoilt = new Set(
    parts.filter(({ weight, rows }) => errors.get(partName(weight, rows))! > worstError).map(({ weight }) => weight),
  );
  const tensors = new Map<string, StoredTensor>();
  const whole = new Set(parts.map(({ weight }) => weight));
  for (const [name, weight] of weights) {
    if (!whole.has(name) || spoilt.has(name)) tensors.set(name, fromFloat32(weight, "F32"));
  }
  for (const { weight, rows } of parts) {
    if (spoilt.has(weight)) continue;
    const name = partName(weight, rows);
    const { values, scale } = rounded.get(name)!;
    tensors.set(name, { dtype: "I8", shape: values.shape, bytes: values.data as Uint8Array });
    tensors.set(scaleName(name), { dtype: "F32", shape: scale.shape, bytes: scale.data as Uint8Array });
  }
  const left = [...spoilt].map((name) => name.replace(/\.weight$/, ""));
  return {
    tensors,
    changes: [
      `${whole.size - left.length} of ${whole.size} products rounded to int8`,
      ...(left.length > 0 ? [`left in float32, since int8 spoils them: ${left.join(", ")}`] : []),
    ],
  };
}

/** Rows of W [out, in] as int8 [in, out] and the scale of each column. */
function quantise({ data, shape }: Tensor, rows?: Rows): QuantisedWeight {
  const [from, to] = rows ?? [0, shape[0]!];
  const [outputs, inputs] = [to - from, shape[1]!];
  const values = new Int8Array(inputs * outputs);
  const scale = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const row = data.subarray((from + n) * inputs, (from + n + 1) * inputs);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // A channel of zeros stays one.
    scale[n] = largest / 127 || 1;
    for (let k = 0; k < inputs; k++) values[k * outputs + n] = Math.round(row[k]! / scale[n]!);
  }
  return {
    values: { type: "int8", shape: [inputs, outputs], data: bytesOf(values) },
    scale: { type: "float32", shape: [outputs], data: bytesOf(scale) },
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int8Array | Float32Array): StoredConstant["data"] {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
