import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/kernel/tensor.ts";
import { createGraph, type Dialect } from "../../src/onnx/graph.ts";
import { linear, matmul, type MatmulOptions } from "../../src/onnx/ops/matmul.ts";
import { outcome } from "../support/outcome.ts";
import { at, evaluate, expectClose, expectGradients, fromShape, type Input, normal } from "../support/graph-check.ts";

const flags = [false, true];
const cases = flags.flatMap((transA) =>
  flags.flatMap((transB) => [1, 0.3].map((alpha): Required<MatmulOptions> => ({ transA, transB, alpha }))),
);
const swapped = (shape: number[], swap: boolean): number[] =>
  swap ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

/** alpha · a · b with a [.., m, k] and b [.., k, n] as they are after their transposition. */
function product(
  a: Input,
  b: Input,
  shape: number[],
  inner: number,
  { transA, transB, alpha }: Required<MatmulOptions>,
): Tensor {
  return fromShape(shape, (index) => {
    const lead = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum +=
        at(a, [...lead, ...(transA ? [k, row] : [row, k])]) * at(b, [...lead, ...(transB ? [column, k] : [k, column])]);
    }
    return alpha * sum;
  });
}

describe.each(["ort", "onnx"] satisfies Dialect[])("matmul in the dialect %s", (dialect) => {
  describe.each(cases)("transA $transA, transB $transB, alpha $alpha", (options) => {
    test.each([
      { what: "matrices", lead: [] },
      { what: "batches", lead: [2] },
      { what: "batches of heads", lead: [2, 3] },
    ])("$what", async ({ lead }) => {
      const inputs = {
        a: normal(swapped([...lead, 2, 4], options.transA), 1),
        b: normal(swapped([...lead, 4, 3], options.transB), 2),
      };
      const y = await evaluate(inputs, (g, { a, b }) => matmul(g, a, b, options), dialect);
      expectClose(y, product(inputs.a, inputs.b, [...lead, 2, 3], 4, options));
      await expectGradients(inputs, (g, { a, b }) => matmul(g, a, b, options), { dialect });
    });
  });

  test.each(cases.filter(({ transA }) => !transA))(
    "by a weight: transB $transB, alpha $alpha, with the weight's gradient",
    async (options) => {
      const inputs = {
        x: normal([2, 3, 4], 1, { dims: ["B", "N", 4] }),
        w: normal(swapped([4, 5], options.transB), 2),
      };
      const y = await evaluate(inputs, (g, { x, w }) => matmul(g, x, w, options), dialect);
      expectClose(y, product(inputs.x, inputs.w, [2, 3, 5], 4, options));
      await expectGradients(inputs, (g, { x, w }) => matmul(g, x, w, options), { dialect });
    },
  );

  test("linear: x·Wᵀ + b, with the gradients of weight and bias", async () => {
    const inputs = { x: normal([2, 3, 4], 1, { dims: ["B", "N", 4] }), w: normal([5, 4], 2), b: normal([5], 3) };
    const y = await evaluate(inputs, (g, { x, w, b }) => linear(g, x, w, b), dialect);
    const plain = product(inputs.x, inputs.w, [2, 3, 5], 4, { transA: false, transB: true, alpha: 1 });
    expectClose(
      y,
      fromShape([2, 3, 5], (index) => at({ value: plain }, index) + at(inputs.b, index)),
    );
    await expectGradients(inputs, (g, { x, w, b }) => linear(g, x, w, b), { dialect });
  });
});

test.each([
  { what: "unequal inner sizes", a: [2, 3], b: [4, 5], options: {} },
  { what: "inner sizes that only fit without the transposition", a: [2, 3], b: [3, 2], options: { transB: true } },
  { what: "unequal batches", a: [2, 2, 3], b: [3, 3, 4], options: {} },
  { what: "a matrix by a batch", a: [2, 3], b: [2, 3, 4], options: {} },
  { what: "a transposed batch by a weight", a: [2, 3, 4], b: [3, 5], options: { transA: true } },
])("$what: refused with a code", ({ a, b, options }) => {
  const g = createGraph("bad");
  const [x, y] = [g.input("a", "float32", a), g.input("b", "float32", b)];
  expect(outcome(() => matmul(g, x, y, options))).toEqual({ code: "graph/shape" });
});

test("products go without a Transpose in ONNX Runtime's dialect, and without FusedMatMul in the standard's", () => {
  for (const dialect of ["ort", "onnx"] as const) {
    const g = createGraph("products", dialect);
    const [a, b] = [g.input("a", "float32", [2, 3]), g.input("b", "float32", [4, 3])];
    g.output("y", matmul(g, a, b, { transB: true, alpha: 2 }));
    const names = g.operators().map(({ domain, opType }) => `${domain}:${opType}`);
    expect(names).toEqual(
      dialect === "ort" ? [":Identity", "com.microsoft:FusedMatMul"] : [":Identity", ":MatMul", ":Mul", ":Transpose"],
    );
  }
});
