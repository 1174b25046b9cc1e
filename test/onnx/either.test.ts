import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { buildEither } from "../../src/onnx/either.ts";
import { buildFixed } from "../../src/onnx/fixed.ts";
import { createGraph, type Graph } from "../../src/onnx/graph.ts";
import { add, mul } from "../../src/onnx/ops/elementwise.ts";

const weight = { data: Float32Array.of(10, 20), shape: [2] };

function sumGraph(): Graph {
  const g = createGraph("sum");
  const x = g.input("x", "float32", ["B", 2]);
  g.output("sum", add(g, x, g.constant("w", weight)));
  g.output("both", x);
  return g;
}

function productGraph(constant = weight): Graph {
  const g = createGraph("product");
  const x = g.input("x", "float32", ["B", 2]);
  const y = g.input("y", "float32", ["B", 2]);
  g.output("product", mul(g, mul(g, x, g.constant("w", constant)), y));
  g.output("both", y);
  return g;
}

const floats = (values: readonly number[], dims: readonly number[]): Tensor =>
  new Tensor("float32", Float32Array.from(values), dims);
const flag = (value: boolean): Tensor => new Tensor("bool", Uint8Array.of(value ? 1 : 0), []);

describe("two graphs in one", () => {
  test("run either, by the condition, over constants that are there once", async () => {
    const bytes = buildEither("one", "isSum", sumGraph(), productGraph());
    const session = await InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(["isSum", "x", "y"]);
    expect(session.outputNames).toEqual(["sum", "both", "product"]);
    expect(
      Buffer.from(bytes).toString("latin1").split("\u0000\u0000\u0020\u0041\u0000\u0000\u00a0\u0041"),
    ).toHaveLength(2);

    const x = floats([1, 2, 3, 4], [2, 2]);
    const sum = await session.run({ isSum: flag(true), x, y: floats([], [0, 2]) });
    expect([...(sum["sum"]!.data as Float32Array)]).toEqual([11, 22, 13, 24]);
    expect(sum["both"]!.dims).toEqual([2, 2]);
    expect(sum["product"]!.data).toHaveLength(0);

    const product = await session.run({ isSum: flag(false), x, y: floats([1, 1, 2, 2], [2, 2]) });
    expect([...(product["product"]!.data as Float32Array)]).toEqual([10, 40, 60, 160]);
    expect([...(product["both"]!.data as Float32Array)]).toEqual([1, 1, 2, 2]);
    expect(product["sum"]!.data).toHaveLength(0);
  });

  test("that call different things by one name are refused", () => {
    const other = productGraph({ data: Float32Array.of(1), shape: [1] });
    expect(() => buildEither("one", "isSum", sumGraph(), other)).toThrow(/"w" is float32\[2\]/);
  });
});

test("sizes that are fixed stand in the model", async () => {
  const session = await InferenceSession.create(buildFixed(sumGraph(), { B: 3 }));
  expect(session.inputMetadata[0]).toMatchObject({ name: "x", shape: [3, 2] });
  expect(session.outputMetadata.map((output) => "shape" in output && output.shape)).toEqual([
    [3, 2],
    [3, 2],
  ]);
  const free = await InferenceSession.create(buildFixed(sumGraph(), {}));
  expect(free.inputMetadata[0]).toMatchObject({ shape: ["B", 2] });
});
