import { describe, expect, test } from "vitest";
import { createGraph } from "../../src/onnx/graph.ts";
import { add, atLeast, div, mul, scale, sqrt, sub } from "../../src/onnx/ops/elementwise.ts";
import { outcome } from "../support/outcome.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, type Input, normal } from "../support/graph-check.ts";

const binary = {
  add: [add, (a: number, b: number) => a + b],
  sub: [sub, (a: number, b: number) => a - b],
  mul: [mul, (a: number, b: number) => a * b],
  div: [div, (a: number, b: number) => a / b],
} as const;

const shapes: readonly (readonly [number[], number[], number[]])[] = [
  [
    [2, 3],
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3], [2, 3]],
  [[3], [2, 3], [2, 3]],
  [
    [2, 1, 3],
    [4, 1],
    [2, 4, 3],
  ],
  [[2, 3], [], [2, 3]],
  [
    [1, 1],
    [2, 3],
    [2, 3],
  ],
];

/** Away from 0, for divisors and roots. */
function positive(shape: number[], seed: number): Input {
  const { value } = normal(shape, seed);
  return { value: { ...value, data: value.data.map((x) => 0.5 + Math.abs(x)) } };
}

describe.each(Object.keys(binary) as (keyof typeof binary)[])("%s", (name) => {
  const [op, formula] = binary[name];

  test.each(shapes)("[%s] and [%s] give [%s], forward and backward", async (left, right, result) => {
    const inputs = { a: normal(left, 1), b: name === "div" ? positive(right, 2) : normal(right, 2) };
    const y = await evaluate(inputs, (g, { a, b }) => op(g, a, b));
    expectClose(
      y,
      fromShape(result, (index) => formula(at(inputs.a, index), at(inputs.b, index))),
    );
    await expectGradients(inputs, (g, { a, b }) => op(g, a, b));
  });

  test("a value used on both sides gets both parts of its gradient", async () => {
    const x = positive([2, 3], 3);
    await expectGradients({ x }, (g, { x }) => op(g, mul(g, x, x), x));
  });

  test("sizes known only at run time, by name", async () => {
    const inputs = {
      a: normal([2, 3, 4], 1, { dims: ["B", "N", 4] }),
      b: { ...positive([2, 1, 4], 2), dims: ["B", 1, 4] },
    };
    await expectGradients(inputs, (g, { a, b }) => op(g, a, b));
  });

  test("shapes that do not broadcast are refused with a code", () => {
    const g = createGraph("bad");
    const [a, b] = [g.input("a", "float32", [2, 3]), g.input("b", "float32", [2, 4])];
    expect(outcome(() => op(g, a, b))).toEqual({ code: "graph/shape" });
    const [named, other] = [g.input("c", "float32", ["B", 3]), g.input("d", "float32", ["N", 3])];
    expect(outcome(() => op(g, named, other))).toEqual({ code: "graph/shape" });
  });
});

test("scale", async () => {
  const x = normal([2, 3], 1);
  expectClose(
    await evaluate({ x }, (g, { x }) => scale(g, x, -2.5)),
    fromShape([2, 3], (i) => -2.5 * at(x, i)),
  );
  await expectGradients({ x }, (g, { x }) => scale(g, x, -2.5));
});

test("sqrt", async () => {
  const x = positive([2, 3], 1);
  expectClose(
    await evaluate({ x }, (g, { x }) => sqrt(g, x)),
    fromShape([2, 3], (i) => Math.sqrt(at(x, i))),
  );
  await expectGradients({ x }, (g, { x }) => sqrt(g, x), { h: 1e-3 });
});

test("atLeast: the gradient stops at the floor", async () => {
  const x: Input = { value: { data: Float32Array.of(-2, -0.5, 0.2, 0.4, 1, 3), shape: [2, 3] } };
  expectClose(
    await evaluate({ x }, (g, { x }) => atLeast(g, x, 0.3)),
    fromShape([2, 3], (i) => Math.max(at(x, i), 0.3)),
  );
  await expectGradients({ x }, (g, { x }) => atLeast(g, x, 0.3));
});
