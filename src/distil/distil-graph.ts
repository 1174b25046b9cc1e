import { patchCount } from "../backbone/architecture.ts";
import type { Normalisation } from "../backbone/vit.ts";
import { createGraph, type Graph, type Value } from "../onnx/graph.ts";
import { add, atLeast, div, mul, scale, sqrt, sub } from "../onnx/ops/elementwise.ts";
import { matmul } from "../onnx/ops/matmul.ts";
import { mean, sum } from "../onnx/ops/reduce.ts";
import { reshape, slice } from "../onnx/ops/shape.ts";
import type { ParameterLayout } from "./parameters.ts";
import { studentTaps } from "./teacher.ts";
import { outputGradients, trainedVit } from "./trained-vit.ts";

/** How far the student's feature s is from the teacher's t, both standardised: a weight for each term. */
export interface DistilLoss {
  /** Mean over D of (s − t)². */
  readonly squared: number;
  /** 1 − cos(s, t). */
  readonly cosine: number;
  /** Mean over D of ((s − t)·W)², with W given when the graph runs: whitening makes rare directions count. */
  readonly whitened: number;
  /** 1 − cos of each patch token to the teacher's standardised one, mean over patches and taps. */
  readonly tokens: number;
}

/** Name of the input with the teacher's tokens for a tap. */
export function tokensName(tap: number): string {
  return `tokens_${tap}`;
}

/**
 * A training step: `pixels` uint8 [B, S, S, 3], `targets` [B, D], `whitening` [D, D], `tokens_<i>` [B, P, D] for each of
 * `studentTaps` and every parameter by its name → `loss` [1, 1], `features` [B, D] and each parameter's gradient.
 */
export function distilGraph(layout: ParameterLayout, normalisation: Normalisation, loss: DistilLoss): Graph {
  const g = createGraph("distil_step");
  const { width, depth } = layout.architecture;
  const patches = patchCount(layout.architecture);
  const distances: Value[] = [];
  const taps = loss.tokens > 0 ? studentTaps(depth) : [];
  const { feature, parameters } = trainedVit(g, layout, normalisation, (index, tokens) => {
    const tap = taps.indexOf(index);
    if (tap < 0) return;
    const seen = slice(g, tokens, 1, 1, g.ints([1 + patches]), patches);
    const aim = g.input(tokensName(tap), "float32", ["B", patches, width]);
    const away = mean(g, sub(g, g.scalar(1), cosine(g, seen, aim)), 1);
    distances.push(reshape(g, scale(g, away, loss.tokens / taps.length), ["B", 1]));
  });
  const target = g.input("targets", "float32", ["B", width]);
  const whitening = g.input("whitening", "float32", [width, width]);

  const error = sub(g, feature, target);
  const terms: Value[] = [...distances];
  if (loss.squared > 0) terms.push(scale(g, mean(g, mul(g, error, error), -1), loss.squared));
  if (loss.cosine > 0) terms.push(scale(g, sub(g, g.scalar(1), cosine(g, feature, target)), loss.cosine));
  if (loss.whitened > 0) {
    const white = matmul(g, error, whitening);
    terms.push(scale(g, mean(g, mul(g, white, white), -1), loss.whitened));
  }
  const total = mean(
    g,
    terms.reduce((a, b) => add(g, a, b)),
    0,
  );

  outputGradients(g, total, parameters);
  g.output("features", feature);
  return g;
}

/** The same student without a loss: `pixels` and parameters → `features`. */
export function studentGraph(layout: ParameterLayout, normalisation: Normalisation): Graph {
  const g = createGraph("distil_features");
  g.output("features", trainedVit(g, layout, normalisation).feature);
  return g;
}

/** Cosine of each row of a with the same row of b, […, 1]. */
function cosine(g: Graph, a: Value, b: Value): Value {
  const length = (x: Value): Value => sqrt(g, atLeast(g, sum(g, mul(g, x, x), -1), 1e-12));
  return div(g, sum(g, mul(g, a, b), -1), mul(g, length(a), length(b)));
}
