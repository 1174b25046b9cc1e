import { describe, expect, test } from "vitest";
import { createGraph } from "../../src/onnx/graph.ts";
import { logSoftmax, mean, sum } from "../../src/onnx/ops/reduce.ts";
import { outcome } from "../support/outcome.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, normal } from "../support/graph-check.ts";

const shape = [2, 3, 4];

describe.each([
  { name: "sum", op: sum, share: () => 1 },
  { name: "mean", op: mean, share: (count: number) => 1 / count },
])("$name", ({ op, share }) => {
  test.each([0, 1, 2, -1, -2])("along axis %s", async (axis) => {
    const x = normal(shape, 1, { dims: ["B", "N", 4] });
    const index = axis < 0 ? 3 + axis : axis;
    const y = await evaluate({ x }, (g, { x }) => op(g, x, axis));
    const expected = fromShape(shape.with(index, 1), (from) => {
      let total = 0;
      for (let i = 0; i < shape[index]!; i++) total += at(x, from.with(index, i));
      return total * share(shape[index]!);
    });
    expectClose(y, expected);
    await expectGradients({ x }, (g, { x }) => op(g, x, axis));
  });

  test("an axis that is not there is refused with a code", () => {
    const g = createGraph("bad");
    const x = g.input("x", "float32", shape);
    for (const axis of [3, -4]) expect(outcome(() => op(g, x, axis))).toEqual({ code: "graph/shape" });
  });
});

test("logSoftmax over the last axis, also where a number is very large", async () => {
  const x = normal([2, 3, 5], 1, { dims: ["B", "N", 5] });
  x.value.data[4] = 100;
  const y = await evaluate({ x }, (g, { x }) => logSoftmax(g, x));
  const expected = fromShape([2, 3, 5], (index) => {
    const row = [0, 1, 2, 3, 4].map((i) => at(x, index.with(2, i)));
    const largest = Math.max(...row);
    const logSum = largest + Math.log(row.reduce((total, value) => total + Math.exp(value - largest), 0));
    return at(x, index) - logSum;
  });
  expectClose(y, expected);
  x.value.data[4] = 2;
  await expectGradients({ x }, (g, { x }) => logSoftmax(g, x));
});
