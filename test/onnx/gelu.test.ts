import { test } from "vitest";
import { gelu } from "../../src/onnx/ops/gelu.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, normal } from "../support/graph-check.ts";

const x = { value: { ...normal([4, 5], 1).value, data: normal([4, 5], 1).value.data.map((value) => 2 * value) } };

test("forward: x·Φ(x), with Φ integrated numerically", async () => {
  const expected = fromShape([4, 5], (index) => at(x, index) * normalCdf(at(x, index)));
  expectClose(await evaluate({ x }, (g, { x }) => gelu(g, x)), expected);
});

test("gradient", async () => {
  await expectGradients({ x }, (g, { x }) => gelu(g, x));
});

/** ½ + ∫₀ˣ φ by Simpson's rule. */
function normalCdf(to: number): number {
  const steps = 200;
  const width = to / steps;
  const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(to);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * width);
  return 0.5 + (sum * width) / 3;
}
