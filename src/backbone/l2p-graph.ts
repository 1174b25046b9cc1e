import { gradient } from "../onnx/gradient.ts";
import { createGraph, type Dialect, type Graph, type StoredConstant, type Value } from "../onnx/graph.ts";
import { add, atLeast, div, mul, scale, sqrt, sub } from "../onnx/ops/elementwise.ts";
import { linear, matmul } from "../onnx/ops/matmul.ts";
import { logSoftmax, mean, sum } from "../onnx/ops/reduce.ts";
import { concat, reshape, slice } from "../onnx/ops/shape.ts";
import { patchCount, queryTaps } from "./architecture.ts";
import type { HeadKind } from "./engine.ts";
import type { Model } from "./model.ts";
import { frozenWeights, vit } from "./vit.ts";

/** The weights that stay in a file, which both graphs share; others each graph holds. */
export type Stored = ReadonlyMap<string, StoredConstant> | undefined;

/**
 * The forwards, `features` [B, D] and, of a pass without prompts, `query` [B, F]. Without `pass`, both in one graph, whose
 * `prompts` [B, T, D] may be of T = 0; else that one alone, and a query has no such input.
 */
export function forwardGraph(model: Model, dialect: Dialect, stored?: Stored, pass?: "query" | "prompted"): Graph {
  const g = createGraph("l2p_forward", dialect);
  const { width } = model.architecture;
  const patches = patchCount(model.architecture);
  const taps = pass === "prompted" ? [] : queryTaps(model.architecture);
  const means: Value[] = [];
  const inputs = { pixels: pixelInput(g, model), prompts: pass === "query" ? undefined : promptInput(g, model) };
  const feature = features(g, model, stored, inputs, (block, tokens) => {
    if (!taps.includes(block)) return;
    // Patches come last, whether there are prompts or not.
    const ofPatches = slice(g, tokens, 1, -patches, g.ints([2 ** 31 - 1]), patches);
    means.unshift(reshape(g, mean(g, ofPatches, 1), ["B", width]));
  });
  g.output("features", feature);
  if (pass !== "prompted") g.output("query", concat(g, [feature, ...means], 1));
  return g;
}

/**
 * One training step of L2P: the forward, the loss of eq. 5 and the gradients of prompts, selected keys and head.
 * Inputs and outputs are `StepInput` and `StepOutput` by name.
 */
export function stepGraph(model: Model, head: HeadKind, stored?: Stored, dialect: Dialect = "ort"): Graph {
  const g = createGraph("l2p_step", dialect);
  const width = model.architecture.width;
  const pixels = pixelInput(g, model);
  const prompts = promptInput(g, model);
  const feature = features(g, model, stored, { pixels, prompts });
  const queries = g.input("queries", "float32", ["B", width]);
  const keys = g.input("keys", "float32", ["B", "K", width]);
  const headWeight = g.input("headWeight", "float32", ["C", width]);
  const headBias = g.input("headBias", "float32", ["C"]);
  const targets = g.input("targets", "float32", ["B", "C"]);
  const logitMask = g.input("logitMask", "float32", ["B", "C"]);
  const pullWeight = g.input("pullWeight", "float32", []);

  const logits =
    head.kind === "linear"
      ? linear(g, feature, headWeight, headBias)
      : add(g, scale(g, cosines(g, feature, headWeight), head.scale), headBias);
  const logProbabilities = logSoftmax(g, add(g, logits, logitMask));
  const losses = scale(g, sum(g, mul(g, targets, logProbabilities), -1), -1); // [B, 1]

  const query = reshape(g, queries, ["B", 1, width]);
  const similarity = sum(g, mul(g, unit(g, query), unit(g, keys)), -1); // [B, K, 1]
  const pull = reshape(g, sum(g, sub(g, g.scalar(1), similarity), 1), ["B", 1]);
  const loss = mean(g, add(g, losses, mul(g, pull, pullWeight)), 0); // [1, 1]

  const seed = g.constant("one", { data: Float32Array.of(1), shape: [1, 1] });
  const [dPrompts, dKeys, dWeight, dBias] = gradient(g, loss, seed, [prompts, keys, headWeight, headBias]);
  g.output("features", feature);
  g.output("logits", logits);
  g.output("losses", reshape(g, losses, ["B"]));
  g.output("dPrompts", dPrompts!);
  g.output("dKeys", dKeys!);
  g.output("dHeadWeight", dWeight!);
  g.output("dHeadBias", dBias!);
  return g;
}

function pixelInput(g: Graph, { architecture: { imageSize } }: Model): Value {
  return g.input("pixels", "uint8", ["B", imageSize, imageSize, 3]);
}

function promptInput(g: Graph, { architecture }: Model): Value {
  return g.input("prompts", "float32", ["B", "T", architecture.width]);
}

function features(
  g: Graph,
  { architecture, manifest, weights }: Model,
  stored: Stored,
  { pixels, prompts }: { readonly pixels: Value; readonly prompts: Value | undefined },
  onBlock?: (index: number, tokens: Value) => void,
): Value {
  return vit(g, architecture, manifest, frozenWeights(g, weights, stored), pixels, prompts, onBlock);
}

/** Cosine of each row of a [B, D] with each of b [C, D] → [B, C]. */
function cosines(g: Graph, a: Value, b: Value): Value {
  return matmul(g, unit(g, a), unit(g, b), { transB: true });
}

/** Rows of length 1; the length counts as 1e-12 at least, as in the official code. */
function unit(g: Graph, x: Value): Value {
  return div(g, x, sqrt(g, atLeast(g, sum(g, mul(g, x, x), -1), 1e-24)));
}
