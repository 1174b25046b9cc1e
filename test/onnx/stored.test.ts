import { describe, expect, test } from "vitest";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { createGraph, type Dialect } from "../../src/onnx/graph.ts";
import { gradient } from "../../src/onnx/gradient.ts";
import { quantisedLinear, type QuantisedWeight, widened } from "../../src/onnx/ops/stored.ts";
import { runGraph } from "../support/graph-check.ts";

/** W [in 2, out 3], whose columns stand for number · scale. */
const numbers = Int8Array.of(127, -10, 0, -64, 20, 1);
const scales = Float32Array.of(0.5, 0.1, 2);
const weight: QuantisedWeight = {
  values: { type: "int8", shape: [2, 3], data: new Uint8Array(numbers.buffer) },
  scale: { type: "float32", shape: [3], data: new Uint8Array(scales.buffer) },
};
const bias = { data: Float32Array.of(1, 2, 3), shape: [3] };
const x = { data: Float32Array.of(1, 2, -3, 0.5), shape: [1, 2, 2] };
const right = [0, 1].flatMap((row) =>
  [0, 1, 2].map((n) => {
    const products = [0, 1].map((k) => x.data[2 * row + k]! * numbers[3 * k + n]! * scales[n]!);
    return products[0]! + products[1]! + bias.data[n]!;
  }),
);

describe.each<Dialect>(["cpu", "ort", "onnx"])("a product by int8 weights, dialect %s", (dialect) => {
  test("is that by what they stand for, up to the rounding of the activations", async () => {
    const g = createGraph("product", dialect);
    const input = g.input("x", "float32", [1, "N", 2]);
    g.output("y", quantisedLinear(g, input, "w", weight, g.constant("b", bias)));
    const { y } = await runGraph(g, { x });
    expect(y!.shape).toEqual([1, 2, 3]);
    // x has 255 steps from −3 to 2: half of one times the column's sum. (ONNX Runtime may round x in the others too.)
    const worst = (0.5 * 5 * 191 * 0.5) / 255;
    y!.data.forEach((value, i) => expect(Math.abs(value - right[i]!)).toBeLessThanOrEqual(worst));
    const isOfCpu = g.operators().some(({ opType }) => opType === "DynamicQuantizeMatMul");
    expect(isOfCpu).toBe(dialect === "cpu");
  });

  test("has the gradient of what they stand for", async () => {
    const g = createGraph("gradient", dialect);
    const input = g.input("x", "float32", [1, "N", 2]);
    const y = quantisedLinear(g, input, "w", weight, g.constant("b", bias));
    g.output("dx", gradient(g, y, g.input("dy", "float32", y.shape), [input])[0]!);
    const dy = { data: Float32Array.of(1, 0, 0, 0, -1, 2), shape: [1, 2, 3] };
    const { dx } = await runGraph(g, { x, dy });
    const wanted = [127 * 0.5, -64 * 0.5, 10 * 0.1, -20 * 0.1 + 2 * 2];
    dx!.data.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
  });
});

test("half precision is widened to the same numbers", async () => {
  const g = createGraph("widened");
  const { bytes } = fromFloat32({ data: Float32Array.of(0.5, -65_504, 2 ** -24), shape: [3] }, "F16");
  g.output("y", widened(g, "w", { type: "float16", shape: [3], data: bytes }));
  expect([...(await runGraph(g, {}))["y"]!.data]).toEqual([0.5, -65_504, 2 ** -24]);
});
