import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../kernel/tensor.ts";
import { queryTaps, type VitArchitecture } from "./architecture.ts";
import type { Manifest } from "./manifest.ts";

/** The model's tensors on a TensorFlow.js backend, by timm's names; linear weights are [in, out]. */
export type TfjsWeights = ReadonlyMap<string, tf.Tensor>;

/** Uploads the weights; the caller disposes of them. */
export function uploadWeights(weights: ReadonlyMap<string, Tensor>): TfjsWeights {
  const uploaded = new Map<string, tf.Tensor>();
  for (const [name, { data, shape }] of weights) {
    const weight = tf.tensor(data, [...shape], "float32");
    // The WASM backend is five times faster where no operand is transposed in the product.
    uploaded.set(name, tf.keep(shape.length === 2 ? tf.transpose(weight) : weight));
  }
  return uploaded;
}

/** Pixels [B, S, S, 3], 0…255, → CLS and patch tokens with their positions, [B, 1+P, D]. */
export function embed(
  weights: TfjsWeights,
  { patchSize, width }: VitArchitecture,
  { mean, std }: Pick<Manifest, "mean" | "std">,
  pixels: tf.Tensor4D,
): tf.Tensor3D {
  const batch = pixels.shape[0];
  const normalised = tf.div<tf.Tensor4D>(tf.sub(tf.div(pixels, 255), mean), std);
  const filter = tf.transpose(weights.get("patch_embed.proj.weight") as tf.Tensor4D, [2, 3, 1, 0]); // [p, p, 3, D]
  const grid = tf.add(tf.conv2d(normalised, filter, patchSize, "valid"), weights.get("patch_embed.proj.bias")!);
  const patches = tf.reshape(grid, [batch, -1, width]);
  const cls = tf.tile(weights.get("cls_token") as tf.Tensor3D, [batch, 1, 1]);
  return tf.add(tf.concat([cls, patches], 1), weights.get("pos_embed")!);
}

/** q(x), the final-LayerNorm CLS token of a pass without prompts, and mean patch tokens at several depths, [B, F]. */
export function queryFeatures(weights: TfjsWeights, architecture: VitArchitecture, tokens: tf.Tensor3D): tf.Tensor2D {
  const taps = queryTaps(architecture);
  const means: tf.Tensor2D[] = [];
  const out = encode(weights, architecture, tokens, (block, x) => {
    if (taps.includes(block)) means.unshift(tf.mean<tf.Tensor2D>(tf.slice(x, [0, 1, 0], [-1, -1, -1]), 1));
  });
  const cls = tf.squeeze<tf.Tensor2D>(tf.slice(out, [0, 0, 0], [-1, 1, -1]), [1]);
  return means.length === 0 ? cls : tf.concat([cls, ...means], 1);
}

/** Mean output token of `prompts` [B, T, D], put after CLS without positions, → [B, D]. */
export function promptedFeature(
  weights: TfjsWeights,
  architecture: VitArchitecture,
  tokens: tf.Tensor3D,
  prompts: tf.Tensor3D,
): tf.Tensor2D {
  const cls = tf.slice(tokens, [0, 0, 0], [-1, 1, -1]);
  const patches = tf.slice(tokens, [0, 1, 0], [-1, -1, -1]);
  const out = encode(weights, architecture, tf.concat([cls, prompts, patches], 1));
  return tf.mean(tf.slice(out, [0, 1, 0], [-1, prompts.shape[1], -1]), 1);
}

/** All blocks and the final LayerNorm, [B, N, D] → [B, N, D]. */
function encode(
  weights: TfjsWeights,
  architecture: VitArchitecture,
  tokens: tf.Tensor3D,
  onBlock?: (block: number, tokens: tf.Tensor3D) => void,
): tf.Tensor3D {
  const { depth, heads, layerNormEps } = architecture;
  const w = (name: string): tf.Tensor => weights.get(name)!;
  const norm = (x: tf.Tensor3D, name: string): tf.Tensor3D =>
    layerNorm(x, w(`${name}.weight`), w(`${name}.bias`), layerNormEps);
  const dense = (x: tf.Tensor3D, name: string): tf.Tensor3D =>
    linear(x, w(`${name}.weight`) as tf.Tensor2D, w(`${name}.bias`));

  let x = tokens;
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    const attended = attention(dense(norm(x, `${block}.norm1`), `${block}.attn.qkv`), heads);
    x = tf.add(x, dense(attended, `${block}.attn.proj`));
    x = tf.add(x, dense(gelu(dense(norm(x, `${block}.norm2`), `${block}.mlp.fc1`)), `${block}.mlp.fc2`));
    onBlock?.(i, x);
  }
  return norm(x, "norm");
}

/** Queries, keys and values side by side [B, N, 3D] → [B, N, D]. */
function attention(qkv: tf.Tensor3D, heads: number): tf.Tensor3D {
  const [batch, count, triple] = qkv.shape;
  const width = triple / 3;
  const [q, k, v] = tf
    .split(qkv, 3, 2)
    .map((part) => tf.transpose(tf.reshape(part, [batch, count, heads, width / heads]), [0, 2, 1, 3])) as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(width / heads));
  const mixed = tf.matMul(tf.softmax(scores), v);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, count, width]);
}

/** x·W + b with W [in, out]. */
function linear(x: tf.Tensor3D, weight: tf.Tensor2D, bias: tf.Tensor): tf.Tensor3D {
  const [batch, count, inputs] = x.shape;
  const rows = tf.matMul(tf.reshape(x, [batch * count, inputs]), weight);
  return tf.reshape(tf.add(rows, bias), [batch, count, weight.shape[1]]);
}

function layerNorm(x: tf.Tensor3D, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor3D {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, eps))), weight), bias);
}

/** Exact, by the error function. */
function gelu(x: tf.Tensor3D): tf.Tensor3D {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
