import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { forwardGraph, stepGraph } from "../../src/backbone/l2p-graph.ts";
import { sizeOf, type Tensor } from "../../src/kernel/tensor.ts";
import { tinyModel } from "../support/tiny-model.ts";

const model = tinyModel({ depth: 3 });
const linear = { kind: "linear" } as const;

test("the forward takes pixels and prompts and gives features", async () => {
  const session = await InferenceSession.create(forwardGraph(model, "onnx").build());
  expect(session.inputNames).toEqual(["pixels", "prompts"]);
  expect(session.outputNames).toEqual(["features", "query"]);
});

test("the step's inputs and outputs are `StepInput` and `StepOutput` by name", async () => {
  const session = await InferenceSession.create(stepGraph(model, linear).build());
  const inputs = [
    "pixels",
    "prompts",
    "queries",
    "keys",
    "headWeight",
    "headBias",
    "targets",
    "logitMask",
    "pullWeight",
  ];
  expect(session.inputNames).toEqual(inputs);
  expect(session.outputNames).toEqual([
    "features",
    "logits",
    "losses",
    "dPrompts",
    "dKeys",
    "dHeadWeight",
    "dHeadBias",
  ]);
});

test("both graphs hold the weights once, and none of the ImageNet head", () => {
  const head: [string, Tensor][] = [["head.weight", { data: new Float32Array(1000 * 12), shape: [1000, 12] }]];
  const withHead = { ...model, weights: new Map([...model.weights, ...head]) };
  const weightBytes = 4 * [...model.weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  for (const bytes of [forwardGraph(withHead, "ort").build(), stepGraph(withHead, linear).build()]) {
    expect(bytes.length).toBeGreaterThan(weightBytes);
    // Nodes and names on top; a second copy of anything large would not fit.
    expect(bytes.length).toBeLessThan(weightBytes + 48_000);
  }
});

test("a graph is the same bytes every time it is built", () => {
  expect(stepGraph(model, linear).build()).toEqual(stepGraph(model, linear).build());
});
