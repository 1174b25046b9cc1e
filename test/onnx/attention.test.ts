import { describe, expect, test } from "vitest";
import { createGraph, type Dialect, type Graph, type Value } from "../../src/onnx/graph.ts";
import { attention } from "../../src/onnx/ops/attention.ts";
import { mul, sub } from "../../src/onnx/ops/elementwise.ts";
import { matmul } from "../../src/onnx/ops/matmul.ts";
import { sum } from "../../src/onnx/ops/reduce.ts";
import { concat, reshape, slice, transpose } from "../../src/onnx/ops/shape.ts";
import {
  at,
  evaluate,
  expectClose,
  expectGradients,
  fromShape,
  gradients,
  normal,
  relativeError,
} from "../support/graph-check.ts";
import { outcome } from "../support/outcome.ts";

const [batch, rows, count, width, heads] = [2, 3, 5, 8, 2];
const depth = width / heads;
const inputs = {
  q: normal([batch, rows, width], 1, { dims: ["B", "R", width] }),
  kv: normal([batch, count, 2 * width], 2, { dims: ["B", "N", 2 * width] }),
};
interface Values {
  readonly q: Value;
  readonly kv: Value;
}
const build = (g: Graph, { q, kv }: Values): Value => attention(g, q, kv, heads);

describe.each(["ort", "onnx"] satisfies Dialect[])("attention in the dialect %s", (dialect) => {
  test("forward", async () => {
    const expected = fromShape([batch, rows, width], ([b, r, d]) => {
      const head = Math.floor(d! / depth);
      const scores = Array.from({ length: count }, (_, n) => {
        let score = 0;
        for (let i = head * depth; i < (head + 1) * depth; i++)
          score += at(inputs.q, [b!, r!, i]) * at(inputs.kv, [b!, n, i]);
        return Math.exp(score / Math.sqrt(depth));
      });
      const total = scores.reduce((x, y) => x + y);
      return scores.reduce((mixed, score, n) => mixed + (score / total) * at(inputs.kv, [b!, n, width + d!]), 0);
    });
    expectClose(await evaluate(inputs, build, dialect), expected);
  });

  test("gradients of queries, keys and values", async () => {
    await expectGradients(inputs, build, { dialect });
  });
});

test("the composite has the gradient of the same attention made of single steps", async () => {
  const [composite, decomposed] = [await gradients(inputs, build), await gradients(inputs, singleSteps)];
  for (const name of ["q", "kv"]) {
    expect(relativeError(composite[name]!.data, decomposed[name]!.data)).toBeLessThan(1e-5);
  }
  expect(relativeError((await evaluate(inputs, build)).data, (await evaluate(inputs, singleSteps)).data)).toBeLessThan(
    1e-6,
  );
});

test("widths that heads do not divide, and batches that differ, are refused with a code", () => {
  const g = createGraph("bad");
  const q = g.input("q", "float32", ["B", "R", 8]);
  const kv = g.input("kv", "float32", ["B", "N", 16]);
  expect(outcome(() => attention(g, q, kv, 3))).toEqual({ code: "graph/shape" });
  expect(outcome(() => attention(g, q, g.input("other", "float32", ["C", "N", 16]), 2))).toEqual({
    code: "graph/shape",
  });
  expect(outcome(() => attention(g, q, g.input("narrow", "float32", ["B", "N", 8]), 2))).toEqual({
    code: "graph/shape",
  });
});

/** As the formula reads: softmax of q·kᵀ/√d, times v, a head at a time, with the softmax's own gradient. */
function singleSteps(g: Graph, { q, kv }: Values): Value {
  const part = (x: Value, from: number, name: string): Value => {
    const taken = slice(g, x, 2, from, g.ints([from + depth]), depth);
    return reshape(g, taken, ["B", name, depth]);
  };
  const mixed = Array.from({ length: heads }, (_, head) => {
    const query = part(q, head * depth, "R");
    const key = part(kv, head * depth, "N");
    const value = part(kv, width + head * depth, "N");
    const scores = matmul(g, query, transpose(g, key, [0, 2, 1]), { alpha: 1 / Math.sqrt(depth) });
    return matmul(g, softmax(g, scores), value);
  });
  return concat(g, mixed, 2);
}

function softmax(g: Graph, x: Value): Value {
  const y = g.emit("Softmax", [x], x.shape, { attributes: { axis: -1 } });
  return g.record(y, [x], (dy) => [() => mul(g, y, sub(g, dy, sum(g, mul(g, dy, y), -1)))]);
}
