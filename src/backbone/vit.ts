import type { Tensor } from "../kernel/tensor.ts";
import type { Graph, StoredConstant, Value } from "../onnx/graph.ts";
import { attention } from "../onnx/ops/attention.ts";
import { add, mul } from "../onnx/ops/elementwise.ts";
import { gelu } from "../onnx/ops/gelu.ts";
import { layerNorm } from "../onnx/ops/layer-norm.ts";
import { linear } from "../onnx/ops/matmul.ts";
import { mean } from "../onnx/ops/reduce.ts";
import { concat, dimOf, reshape, slice } from "../onnx/ops/shape.ts";
import { quantisedLinear, widened } from "../onnx/ops/stored.ts";
import { patchCount, type VitArchitecture } from "./architecture.ts";
import { partName, type Rows, scaleName } from "./quantised.ts";

/** Gives weights, by timm's names, to the graph of a ViT. */
export interface WeightSource {
  /**
   * The weight as a float32 value in the wanted shape: a constant, or an input that is trained.
   * `rows` takes only [from, to) of the first axis, as for the query's part of a fused qkv.
   */
  (name: string, shape: readonly number[], rows?: Rows): Value;
  /** x·Wᵀ + bias by a product of its own, where W is stored for one; else undefined. */
  readonly product?: (x: Value, name: string, bias: Value, rows?: Rows) => Value | undefined;
}

/** Channel-wise normalisation: (pixel/255 − mean) / std. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * A pre-norm ViT (Dosovitskiy et al. 2021) with prompts before its first block.
 * Tokens are [prompts, CLS, patches]; prompts carry no position, so their place does not matter (it is first because
 * then one range is read whether there are prompts or not).
 * @param pixels uint8 [B, S, S, 3]
 * @param prompts [B, T, D]; with T = 0, or none at all, this is the query pass
 * @param onBlock Shown the tokens [B, T+1+P, D] after each block but the last, for who trains on what lies between.
 * @returns [B, D]: the mean of the T prompts' output tokens after the final LayerNorm, or the CLS token when T = 0
 */
export function vit(
  g: Graph,
  architecture: VitArchitecture,
  normalisation: Normalisation,
  weight: WeightSource,
  pixels: Value,
  prompts: Value | undefined,
  onBlock?: (index: number, tokens: Value) => void,
): Value {
  const { width, depth, layerNormEps } = architecture;
  const one = g.ints([1]);
  // Max(T, 1): only the tokens that reach the head are computed in the last block.
  const readEnd = prompts ? g.emit("Max", [dimOf(g, prompts, 1), one], [1]) : one;
  const read = (x: Value): Value => slice(g, x, 1, 0, readEnd, "R");

  let parts = [...(prompts ? [prompts] : []), embed(g, architecture, normalisation, weight, pixels)];
  for (let i = 0; i < depth - 1; i++) {
    parts = [block(g, architecture, weight, i, parts, undefined)];
    onBlock?.(i, parts[0]!);
  }
  parts = [block(g, architecture, weight, depth - 1, parts, read)];

  const norm = layerNorm(g, parts[0]!, weight("norm.weight", [width]), weight("norm.bias", [width]), layerNormEps);
  return reshape(g, mean(g, norm, 1), [norm.shape[0]!, width]);
}

/** CLS and patch tokens with their positions, [B, 1+P, D]. */
function embed(
  g: Graph,
  architecture: VitArchitecture,
  { mean: channelMean, std }: Normalisation,
  weight: WeightSource,
  pixels: Value,
): Value {
  const { imageSize, patchSize: p, width } = architecture;
  const side = imageSize / p;
  const patches = patchCount(architecture);
  const numbers = 3 * p * p;

  // A convolution whose stride is its kernel is a product with the patches laid out as the kernel is: (channel, y, x).
  const asFloats = (x: Value): Value => g.emit("Cast", [x], x.shape, { attributes: { to: 1 }, type: "float32" });
  // TensorRT takes bytes to make floats of them, and for nothing else; others move a quarter of the memory so.
  const isCastFirst = g.dialect === "onnx";
  const source = isCastFirst ? asFloats(pixels) : pixels;
  const grid = g.emit("Reshape", [source, g.ints([-1, side, p, side, p, 3])], ["B", side, p, side, p, 3]);
  const ordered = g.emit("Transpose", [grid], ["B", side, side, 3, p, p], { attributes: { perm: [0, 1, 3, 5, 2, 4] } });
  const rows = reshape(g, ordered, ["B", patches, numbers]);
  const raw = isCastFirst ? rows : asFloats(rows);
  const perChannel = (name: string, value: (channel: number) => number): Value =>
    g.constant(name, {
      data: Float32Array.from({ length: numbers }, (_, i) => value(Math.floor(i / (p * p)))),
      shape: [numbers],
    });
  const normalised = add(
    g,
    mul(
      g,
      raw,
      perChannel("pixel_scale", (c) => 1 / (255 * std[c]!)),
    ),
    perChannel("pixel_shift", (c) => -channelMean[c]! / std[c]!),
  );
  const embedded = linear(
    g,
    normalised,
    weight("patch_embed.proj.weight", [width, numbers]),
    weight("patch_embed.proj.bias", [width]),
  );
  const repeat = g.emit("Concat", [dimOf(g, pixels, 0), g.ints([1, 1])], [3], { attributes: { axis: 0 } });
  const cls = expandRows(g, weight("cls_token", [1, 1, width]), repeat);
  return add(g, concat(g, [cls, embedded], 1), weight("pos_embed", [1, 1 + patches, width]));
}

/** [1, 1, D] for each of B samples, [B, 1, D]. */
function expandRows(g: Graph, token: Value, repeat: Value): Value {
  const shape = ["B", 1, token.shape[2]!];
  const y = g.emit("Expand", [token, repeat], shape);
  return g.record(y, [token], (dy) => [
    () => g.emit("ReduceSum", [dy, g.ints([0])], token.shape, { attributes: { keepdims: 1 } }),
  ]);
}

/**
 * One pre-norm block on token groups that are joined in its attention. Kept apart until there, the groups that do not
 * depend on the prompts need no gradient. With `read`, only the tokens it takes are computed beyond keys and values.
 */
function block(
  g: Graph,
  { width, heads, mlpWidth, layerNormEps }: VitArchitecture,
  weight: WeightSource,
  index: number,
  parts: readonly Value[],
  read: ((x: Value) => Value) | undefined,
): Value {
  const name = `blocks.${index}`;
  const norm = (x: Value, layer: string): Value =>
    layerNorm(g, x, weight(`${name}.${layer}.weight`, [width]), weight(`${name}.${layer}.bias`, [width]), layerNormEps);
  const dense = (x: Value, layer: string, [out, inputs]: readonly [number, number], rows?: Rows): Value => {
    const bias = weight(`${name}.${layer}.bias`, [out], rows);
    const kernel = `${name}.${layer}.weight`;
    return weight.product?.(x, kernel, bias, rows) ?? linear(g, x, weight(kernel, [out, inputs], rows), bias);
  };
  const join = (groups: readonly Value[]): Value => (groups.length === 1 ? groups[0]! : concat(g, groups, 1, "N"));
  const query = (x: Value): Value => dense(x, "attn.qkv", [width, width], [0, width]);

  const normed = parts.map((part) => norm(part, "norm1"));
  const kv = join(normed.map((part) => dense(part, "attn.qkv", [2 * width, width], [width, 3 * width])));
  const q = read ? query(read(join(normed))) : join(normed.map(query));
  const residual = read ? read(join(parts)) : join(parts);

  const attended = add(g, residual, dense(attention(g, q, kv, heads), "attn.proj", [width, width]));
  const hidden = gelu(g, dense(norm(attended, "norm2"), "mlp.fc1", [mlpWidth, width]));
  return add(g, attended, dense(hidden, "mlp.fc2", [width, mlpWidth]));
}

/**
 * The weights as constants of the graph. Those in `stored` stay as they are stored, in their file: half precision is
 * widened where it is used, int8 has its own product; of others the numbers are read and held.
 * @param stored By name; of an int8 weight the parts and their scales (see quantised.ts).
 */
export function frozenWeights(
  g: Graph,
  weights: ReadonlyMap<string, Tensor>,
  stored: ReadonlyMap<string, StoredConstant> = new Map(),
): WeightSource {
  const values = new Map<string, Value>();
  const source = (name: string, shape: readonly number[], rows?: Rows): Value => {
    const key = partName(name, rows);
    const value = values.get(key) ?? constantOf(key, name, shape, rows);
    values.set(key, value);
    return value;
  };

  function constantOf(key: string, name: string, shape: readonly number[], rows?: Rows): Value {
    const weight = weights.get(name)!;
    const [from, to] = rows ?? [0, weight.shape[0]!];
    const there = stored.get(name);
    if (there === undefined || there.type === "int8") {
      const { data } = weight;
      const perRow = data.length / weight.shape[0]!;
      return g.constant(key, { data: data.subarray(from * perRow, to * perRow), shape });
    }
    const perRow = there.data.length / weight.shape[0]!;
    const part = partOf(there.data, from * perRow, (to - from) * perRow);
    const value = { ...there, shape, data: part };
    return there.type === "float16" ? widened(g, key, value) : g.stored(key, value);
  }

  const product: WeightSource["product"] = (x, name, bias, rows) => {
    const key = partName(name, rows);
    const [numbers, scale] = [stored.get(key), stored.get(scaleName(key))];
    if (numbers?.type !== "int8" || scale === undefined) return undefined;
    return quantisedLinear(g, x, key, { values: numbers, scale }, bias);
  };
  return Object.assign(source, { product });
}

function partOf(data: StoredConstant["data"], begin: number, length: number): StoredConstant["data"] {
  if (data instanceof Uint8Array) return data.subarray(begin, begin + length);
  return { ...data, offset: data.offset + begin, length };
}
