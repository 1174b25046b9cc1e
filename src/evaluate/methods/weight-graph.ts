import type { Normalisation } from "../../backbone/vit.ts";
import type { ParameterLayout } from "../../distil/parameters.ts";
import { outputGradients, trainedVit } from "../../distil/trained-vit.ts";
import { createGraph, type Graph, type Value } from "../../onnx/graph.ts";
import { add, mul, scale } from "../../onnx/ops/elementwise.ts";
import { linear } from "../../onnx/ops/matmul.ts";
import { logSoftmax, mean, sum } from "../../onnx/ops/reduce.ts";

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
  outputGradients(g, loss, inputs);
  g.output("logits", logits);
  return g;
}

function classifier(
  g: Graph,
  layout: ParameterLayout,
  normalisation: Normalisation,
): { logits: Value; inputs: Value[] } {
  const { width } = layout.architecture;
  const { feature, parameters } = trainedVit(g, layout, normalisation);
  const headWeight = g.input("headWeight", "float32", ["C", width]);
  const headBias = g.input("headBias", "float32", ["C"]);
  return { logits: linear(g, feature, headWeight, headBias), inputs: [...parameters, headWeight, headBias] };
}
