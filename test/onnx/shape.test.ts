import { describe, expect, test } from "vitest";
import { createGraph, type Graph, type Value } from "../../src/onnx/graph.ts";
import { add } from "../../src/onnx/ops/elementwise.ts";
import { concat, dimOf, reshape, reshapeLike, slice, transpose } from "../../src/onnx/ops/shape.ts";
import { outcome } from "../support/outcome.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, normal } from "../support/graph-check.ts";

describe("reshape", () => {
  test("keeps the numbers in their order", async () => {
    const x = normal([2, 6], 1);
    const y = await evaluate({ x }, (g, { x }) => reshape(g, x, [3, 4]));
    expectClose(y, { data: x.value.data, shape: [3, 4] });
    await expectGradients({ x }, (g, { x }) => reshape(g, x, [3, 4]));
  });

  test("keeps sizes of run time, and finds one new one", async () => {
    const x = normal([2, 3, 8], 1, { dims: ["B", "N", 8] });
    const heads = (g: Graph, { x }: { x: Value }): Value => reshape(g, x, ["B", "N", 2, 4]);
    expect((await evaluate({ x }, heads)).shape).toEqual([2, 3, 2, 4]);
    await expectGradients({ x }, heads);
    const rows = (g: Graph, { x }: { x: Value }): Value => reshape(g, x, ["R", 8]);
    expect((await evaluate({ x }, rows)).shape).toEqual([6, 8]);
    // Back from one dim to two that are known only at run time: by the shape of x itself.
    await expectGradients({ x }, rows);
  });

  test("reshapeLike takes the shape that another value has", async () => {
    const inputs = { x: normal([6, 4], 1, { dims: ["R", 4] }), like: normal([2, 3, 4], 2, { dims: ["B", "N", 4] }) };
    const build = (g: Graph, { x, like }: { x: Value; like: Value }): Value => add(g, reshapeLike(g, x, like), like);
    expect((await evaluate(inputs, build)).shape).toEqual([2, 3, 4]);
    await expectGradients(inputs, build);
  });

  test("shapes that cannot be are refused with a code", () => {
    const g = createGraph("bad");
    const x = g.input("x", "float32", [2, 6]);
    expect(outcome(() => reshape(g, x, [3, 5]))).toEqual({ code: "graph/shape" });
    const named = g.input("n", "float32", ["B", "N", 8]);
    expect(outcome(() => reshape(g, named, ["N", "B", 8]))).toEqual({ code: "graph/shape" });
  });
});

test.each([[[0, 2, 1, 3]], [[3, 0, 2, 1]], [[1, 2, 3, 0]]])("transpose by %s", async (perm) => {
  const x = normal([2, 3, 4, 5], 1);
  const y = await evaluate({ x }, (g, { x }) => transpose(g, x, perm));
  const from = (index: readonly number[]): number[] => [0, 1, 2, 3].map((axis) => index[perm.indexOf(axis)]!);
  expectClose(
    y,
    fromShape(
      perm.map((axis) => [2, 3, 4, 5][axis]!),
      (index) => at(x, from(index)),
    ),
  );
  await expectGradients({ x }, (g, { x }) => transpose(g, x, perm));
});

describe("slice", () => {
  test.each([1, 2, 4])("from 1 to an end that is known at run time, %s", async (end) => {
    const inputs = {
      x: normal([2, 4, 3], 1, { dims: ["B", "N", 3] }),
      length: normal([end], 2, { dims: ["E"], frozen: true }),
    };
    const build = (g: Graph, { x, length }: { x: Value; length: Value }): Value =>
      slice(g, x, 1, 1, dimOf(g, length, 0), "R");
    const y = await evaluate(inputs, build);
    expectClose(
      y,
      fromShape([2, end - 1, 3], ([b, n, d]) => at(inputs.x, [b!, n! + 1, d!])),
    );
    await expectGradients(inputs, build);
  });
});

describe("concat", () => {
  test.each([0, 1, 3])("a part of %s rows before a part of 2", async (rows) => {
    const inputs = {
      a: normal([2, rows, 3], 1, { dims: ["B", "T", 3] }),
      b: normal([2, 2, 3], 2, { dims: ["B", 2, 3] }),
    };
    const build = (g: Graph, { a, b }: { a: Value; b: Value }): Value => concat(g, [a, b], 1, "N");
    const y = await evaluate(inputs, build);
    expectClose(
      y,
      fromShape([2, rows + 2, 3], ([i, n, d]) =>
        n! < rows ? at(inputs.a, [i!, n!, d!]) : at(inputs.b, [i!, n! - rows, d!]),
      ),
    );
    await expectGradients(inputs, build);
  });

  test("three parts along the last axis, one of them twice", async () => {
    const inputs = { a: normal([2, 2], 1), b: normal([2, 3], 2) };
    const build = (g: Graph, { a, b }: { a: Value; b: Value }): Value => concat(g, [a, b, a], 1);
    expect((await evaluate(inputs, build)).shape).toEqual([2, 7]);
    await expectGradients(inputs, build);
  });

  test("a sum of unknown sizes needs a name, and other axes must agree", () => {
    const g = createGraph("bad");
    const [a, b] = [g.input("a", "float32", ["B", "T", 3]), g.input("b", "float32", ["B", 2, 3])];
    expect(outcome(() => concat(g, [a, b], 1))).toEqual({ code: "graph/shape" });
    const c = g.input("c", "float32", ["B", 2, 4]);
    expect(outcome(() => concat(g, [b, c], 1))).toEqual({ code: "graph/shape" });
  });
});
