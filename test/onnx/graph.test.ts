import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { createGraph, expectShape } from "../../src/onnx/graph.ts";
import { add, mul, scale, sqrt } from "../../src/onnx/ops/elementwise.ts";
import { runGraph } from "../support/graph-check.ts";
import { outcome } from "../support/outcome.ts";

test("nodes and constants that no output needs are left out", () => {
  const g = createGraph("pruned");
  const x = g.input("x", "float32", [2]);
  sqrt(g, mul(g, x, g.constant("unused_weight", { data: new Float32Array(2), shape: [2] })));
  g.output("y", scale(g, x, 2));
  expect(g.operators().map(({ opType }) => opType)).toEqual(["Identity", "Mul"]);
  const text = Buffer.from(g.build()).toString("latin1");
  expect(text).not.toContain("unused_weight");
  expect(text).not.toContain("Sqrt");
});

test("operators are told with their domain and the types of their first input", () => {
  const g = createGraph("types");
  const x = g.input("x", "uint8", [2]);
  const y = g.emit("Cast", [x], [2], { attributes: { to: 1 }, type: "float32" });
  g.output("y", y);
  g.output("n", g.emit("Shape", [x], [1], { type: "int64" }));
  expect(g.operators()).toEqual([
    { domain: "", opType: "Cast", types: ["uint8"] },
    { domain: "", opType: "Identity", types: ["float32", "int64"] },
    { domain: "", opType: "Shape", types: ["uint8"] },
  ]);
});

test("an input may be an output, and one value two outputs", async () => {
  const g = createGraph("outputs");
  const x = g.input("x", "float32", [2]);
  g.output("same", x);
  g.output("again", x);
  const out = await runGraph(g, { x: { data: Float32Array.of(3, 4), shape: [2] } });
  expect([...out["same"]!.data, ...out["again"]!.data]).toEqual([3, 4, 3, 4]);
});

test("a weight's numbers may stay in a file beside the model", async () => {
  const folder = await mkdtemp(join(tmpdir(), "l2p-edge-span-"));
  try {
    await writeFile(join(folder, "weights.bin"), new Uint8Array(Float32Array.of(0, 0, 7, 9).buffer));
    const g = createGraph("external");
    const x = g.input("x", "float32", [2]);
    const data = { location: "weights.bin", offset: 8, length: 8 };
    g.output("y", add(g, x, g.stored("w", { type: "float32", shape: [2], data })));
    await writeFile(join(folder, "model.onnx"), g.build());
    const session = await InferenceSession.create(join(folder, "model.onnx"));
    const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(1, 2), [2]) });
    expect([...(y!.data as Float32Array)]).toEqual([8, 11]);
    await session.release();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("shapes are compared dim by dim, names included", () => {
  expect(outcome(() => expectShape("x", ["B", 3], ["B", 3]))).toEqual({ value: undefined });
  for (const other of [["B"], ["C", 3], ["B", 4], ["B", 3, 1]]) {
    expect(outcome(() => expectShape("x", ["B", 3], other))).toEqual({ code: "graph/shape" });
  }
});
