import { describe, expect, test } from "vitest";
import { forwardGraph, stepGraph } from "../../src/backbone/l2p-graph.ts";
import { type Graph, opsets } from "../../src/onnx/graph.ts";
import { tinyModel } from "../support/tiny-model.ts";
import { cudaOperators, runsOnCuda, shapeArithmetic } from "./cuda-operators.ts";

const model = tinyModel();
const graphs: Readonly<Record<string, Graph>> = {
  "forward (standard)": forwardGraph(model, "onnx"),
  "forward (ONNX Runtime)": forwardGraph(model, "ort"),
  "step, linear head": stepGraph(model, { kind: "linear" }),
  "step, cosine head": stepGraph(model, { kind: "cosine", scale: 10 }),
};

/** Every operator of a graph, named with its domain where that is not ONNX's. */
function operatorsOf(g: Graph): { name: string; types: readonly string[] }[] {
  return g.operators().map(({ domain, opType, types }) => ({ name: domain ? `${domain}.${opType}` : opType, types }));
}

test("the table is of the opsets that the graphs are written in", () => {
  expect(opsets).toEqual({ "": 20, "com.microsoft": 1 });
});

describe.each(Object.keys(graphs))("the graph %s", (name) => {
  const g = graphs[name]!;

  test("has only operators, versions and types that the CUDA provider has kernels for", () => {
    const missing = g
      .operators()
      .flatMap(({ domain, opType, types }) =>
        types.map((type) => ({ name: domain ? `${domain}.${opType}` : opType, type })),
      )
      .filter((operator) => !runsOnCuda(operator.name, operator.type));
    expect(missing).toEqual([]);
  });

  test("computes in int64 only what sizes need", () => {
    const onSizes = operatorsOf(g).filter(({ types }) => types.includes("int64"));
    expect(onSizes.map(({ name }) => name).filter((name) => !shapeArithmetic.includes(name))).toEqual([]);
  });
});

test("the forward for TensorRT has operators of the standard only, and no second output of LayerNormalization", () => {
  const g = graphs["forward (standard)"]!;
  expect(operatorsOf(g).map(({ name }) => name)).toEqual([
    "Add",
    "Cast",
    "Concat",
    "Expand",
    "Gelu",
    "Identity",
    "LayerNormalization",
    "MatMul",
    "Max",
    "Mul",
    "ReduceMean",
    "Reshape",
    "Shape",
    "Slice",
    "Softmax",
    "Split",
    "Transpose",
  ]);
  const text = Buffer.from(g.build()).toString("latin1");
  expect(text).toContain("LayerNormalization_");
  expect(text).not.toMatch(/LayerNormalization_\d+_[12]\D/);
});

test("an open-ended kernel answers for its own version only: Pad of opset 20 would leave the GPU", () => {
  expect(runsOnCuda("Pad", "float32")).toBe(false);
  expect(runsOnCuda("Transpose", "uint8")).toBe(true);
  expect(runsOnCuda("Sqrt", "int64")).toBe(false);
  expect(runsOnCuda("NotThere", "float32")).toBe(false);
  expect(Object.keys(cudaOperators)).toContain("Pad");
});
