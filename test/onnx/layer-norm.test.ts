import { expect, test } from "vitest";
import { gradient } from "../../src/onnx/gradient.ts";
import { createGraph, type Graph, type Value } from "../../src/onnx/graph.ts";
import { layerNorm } from "../../src/onnx/ops/layer-norm.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, normal } from "../support/graph-check.ts";

const epsilon = 1e-6;
const inputs = { x: normal([2, 3, 8], 1, { dims: ["B", "N", 8] }), gamma: normal([8], 2), beta: normal([8], 3) };
const build = (g: Graph, { x, gamma, beta }: { x: Value; gamma: Value; beta: Value }): Value =>
  layerNorm(g, x, gamma, beta, epsilon);

test("forward", async () => {
  const expected = fromShape([2, 3, 8], (index) => {
    const row = Array.from({ length: 8 }, (_, i) => at(inputs.x, index.with(2, i)));
    const mean = row.reduce((a, b) => a + b) / 8;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8;
    return (
      ((at(inputs.x, index) - mean) / Math.sqrt(variance + epsilon)) * at(inputs.gamma, index) + at(inputs.beta, index)
    );
  });
  expectClose(await evaluate(inputs, build), expected);
});

test("gradients of x, gamma and beta", async () => {
  await expectGradients(inputs, build);
});

test("mean and inverse deviation are outputs only where a gradient reads them", () => {
  const outputsOf = (withGradient: boolean): number => {
    const g = createGraph("norm");
    const x = g.input("x", "float32", [2, 8]);
    const y = build(g, { x, gamma: g.input("gamma", "float32", [8]), beta: g.input("beta", "float32", [8]) });
    g.output("y", y);
    if (withGradient) g.output("dx", gradient(g, y, g.input("dy", "float32", [2, 8]), [x])[0]!);
    return Buffer.from(g.build()).toString("latin1").split("LayerNormalization_0_").length;
  };
  // y is named where it is made and where it is read; mean and deviation come on top.
  expect(outputsOf(true)).toBeGreaterThan(outputsOf(false) + 2);
  expect(outputsOf(false)).toBe(3);
});
