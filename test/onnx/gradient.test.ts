import { expect, test } from "vitest";
import { gradient } from "../../src/onnx/gradient.ts";
import { createGraph, type Graph, type Value } from "../../src/onnx/graph.ts";
import { add, mul, scale } from "../../src/onnx/ops/elementwise.ts";
import { matmul } from "../../src/onnx/ops/matmul.ts";
import { sum } from "../../src/onnx/ops/reduce.ts";
import { expectGradients, normal, runGraph } from "../support/graph-check.ts";
import { outcome } from "../support/outcome.ts";

test("paths that part and meet again add up", async () => {
  const x = normal([2, 3], 1);
  // y = x² + 3x + x³
  const build = (g: Graph, { x }: { x: Value }): Value => {
    const square = mul(g, x, x);
    return add(g, add(g, square, scale(g, x, 3)), mul(g, square, x));
  };
  await expectGradients({ x }, build);
});

test("a gradient of a gradient", async () => {
  const inputs = { x: normal([2, 3], 1), w: normal([3, 4], 2) };
  const build = (g: Graph, { x, w }: { x: Value; w: Value }): Value => {
    const y = matmul(g, x, w);
    const cube = mul(g, y, mul(g, y, y));
    return gradient(g, cube, g.constant("ones", { data: new Float32Array(8).fill(1), shape: [2, 4] }), [x])[0]!;
  };
  await expectGradients(inputs, build, { h: 3e-3, tolerance: 1e-2 });
});

test("a value is its own gradient's seed, and what lies before `wrt` is not differentiated", async () => {
  const g = createGraph("seed");
  const x = g.input("x", "float32", [2]);
  const y = scale(g, x, 5);
  const z = mul(g, y, y);
  const seed = g.constant("seed", { data: Float32Array.of(1, 10), shape: [2] });
  const [dz, dy] = gradient(g, z, seed, [z, y]);
  g.output("dz", dz!);
  g.output("dy", dy!);
  const out = await runGraph(g, { x: { data: Float32Array.of(1, 2), shape: [2] } });
  expect([...out["dz"]!.data]).toEqual([1, 10]);
  expect([...out["dy"]!.data]).toEqual([10, 200]);
});

test("a frozen operand costs no node", () => {
  const count = (wanted: readonly string[]): number => {
    const g = createGraph("cost");
    const values: Record<string, Value> = {
      x: g.input("x", "float32", [2, 3]),
      w: g.input("w", "float32", [3, 4]),
    };
    const y = matmul(g, values["x"]!, values["w"]!);
    const before = g.tape.length;
    gradient(
      g,
      y,
      g.input("dy", "float32", [2, 4]),
      wanted.map((name) => values[name]!),
    );
    return g.tape.length - before;
  };
  expect(count(["x"])).toBe(1);
  expect(count(["x", "w"])).toBe(2);
});

test("no path, and a seed of another shape, are refused with a code", () => {
  const g = createGraph("bad");
  const [x, other] = [g.input("x", "float32", [2]), g.input("other", "float32", [2])];
  const y = sum(g, x, 0);
  expect(outcome(() => gradient(g, y, g.scalar(1), [x]))).toEqual({ code: "graph/shape" });
  expect(outcome(() => gradient(g, y, g.input("seed", "float32", [1]), [other]))).toEqual({
    code: "graph/no-gradient",
  });
});
