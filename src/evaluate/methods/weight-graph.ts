import { type Normalisation, vit, type WeightSource } from "../../backbone/vit.ts";
import { type ParameterLayout, parameterName } from "../../distil/parameters.ts";
import { gradient } from "../../onnx/gradient.ts";
import { createGraph, type Graph, type Value } from "../../onnx/graph.ts";
import { add, mul, scale } from "../../onnx/ops/elementwise.ts";
import { linear } from "../../onnx/ops/matmul.ts";
import { logSoftmax, mean, sum } from "../../onnx/ops/reduce.ts";

/** Names of a gradient among the outputs. */
export function gradientName(input: string): string {
  return `d_${input}`;
}

/** A ViT whose every weight is trained, with a linear head on q(x): `pixels`, weights by name → `logits` [B, C]. */
export function logitsGraph(layout: ParameterLayout, normalisation: Normalisation): Graph {
  const g = createGraph("weights_logits");
  g.output("logits", classifier(g, layout, normalisation).logits);
  return g;
}

/**
 * Its training step: mean over B of
 *   −Σ targets·log softmax(logits) − Σ oldTargets·log softmax(logits/T + oldMask),
 * with T given as `inverseTemperature`; rows of zeros as `oldTargets` leave the second term out (it is LwF's).
 * → `loss` [1, 1], `logits` [B, C] and each weight's gradient.
 */
export function weightStepGraph(layout: ParameterLayout, normalisation: Normalisation): Graph {
  const g = createGraph("weights_step");
  const { logits, inputs } = classifier(g, layout, normalisation);
  const targets = g.input("targets", "float32", ["B", "C"]);
  const oldTargets = g.input("oldTargets", "float32", ["B", "C"]);
  const oldMask = g.input("oldMask", "float32", ["C"]);
  const inverseTemperature = g.input("inverseTemperature", "float32", []);
  const old = add(g, mul(g, logits, inverseTemperature), oldMask);
  const terms = add(g, mul(g, targets, logSoftmax(g, logits)), mul(g, oldTargets, logSoftmax(g, old)));
  const loss = mean(g, scale(g, sum(g, terms, -1), -1), 0);
  const seed = g.constant("one", { data: Float32Array.of(1), shape: [1, 1] });
  const gradients = gradient(g, loss, seed, inputs);
  g.output("loss", loss);
  g.output("logits", logits);
  inputs.forEach((input, i) => g.output(gradientName(input.name), gradients[i]!));
  return g;
}

function classifier(
  g: Graph,
  { architecture, parameters }: ParameterLayout,
  normalisation: Normalisation,
): { logits: Value; inputs: Value[] } {
  const { imageSize, width } = architecture;
  const weights = new Map(parameters.map(({ name, shape }) => [name, g.input(name, "float32", shape)]));
  const source: WeightSource = (name, _shape, rows) => weights.get(parameterName(name, rows))!;
  const pixels = g.input("pixels", "uint8", ["B", imageSize, imageSize, 3]);
  const prompts = g.input("prompts", "float32", ["B", "T", width]);
  const headWeight = g.input("headWeight", "float32", ["C", width]);
  const headBias = g.input("headBias", "float32", ["C"]);
  const feature = vit(g, architecture, normalisation, source, pixels, prompts);
  return { logits: linear(g, feature, headWeight, headBias), inputs: [...weights.values(), headWeight, headBias] };
}
