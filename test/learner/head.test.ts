import { expect, test } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { adamStep } from "../../src/learner/adam.ts";
import { createHead, dropClass, growHead, headLogits } from "../../src/learner/head.ts";
import { stream } from "../../src/learner/presets.ts";

const rng = createRng(1);
const vector = (length: number): Float32Array => Float32Array.from({ length }, () => rng.normal());
const feature = vector(4);

function trainedHead(): ReturnType<typeof createHead> {
  const head = [vector(4), vector(4), vector(4)].reduce(growHead, createHead(4));
  const values = Float64Array.from({ length: 12 }, () => rng.normal());
  const gradient = { values, rows: new Set([0, 2]) };
  adamStep([{ parameter: head.weight, gradient, learningRate: 0.1 }], stream.optimiser);
  adamStep([{ parameter: head.bias, gradient, learningRate: 0.1 }], stream.optimiser);
  return head;
}

test("linear logits are f·Wᵀ + b, cosine ones scale·cos(f, w) + b", () => {
  const head = growHead(growHead(createHead(2), Float32Array.of(3, 4)), Float32Array.of(0, -2));
  head.bias.value.set([0.5, 0]);
  const f = Float32Array.of(1, 2);
  expect([...headLogits({ kind: "linear" }, head, f)]).toEqual([11.5, -4]);
  const cosine = headLogits({ kind: "cosine", scale: 10 }, head, f);
  expect(cosine[0]).toBeCloseTo(0.5 + (10 * 11) / (5 * Math.sqrt(5)), 6);
  expect(cosine[1]).toBeCloseTo((10 * -4) / (2 * Math.sqrt(5)), 6);
});

test("growing leaves what was learned as it is, Adam's moments included", () => {
  const head = trainedHead();
  const grown = growHead(head, vector(4));
  for (const part of ["weight", "bias"] as const) {
    for (const key of ["value", "momentum", "variance", "steps"] as const) {
      const before = head[part][key];
      expect(grown[part][key].subarray(0, before.length)).toEqual(before);
    }
  }
  expect([...grown.weight.steps]).toEqual([1, 0, 1, 0]);
  expect([...grown.weight.momentum.subarray(12)]).toEqual([0, 0, 0, 0]);
  for (const kind of [{ kind: "linear" }, { kind: "cosine", scale: 16 }] as const) {
    expect(headLogits(kind, grown, feature).subarray(0, 3)).toEqual(headLogits(kind, head, feature));
  }
});

test("dropping a class leaves the others as they are", () => {
  const head = trainedHead();
  const left = dropClass(head, 1);
  const logits = headLogits({ kind: "linear" }, head, feature);
  expect([...headLogits({ kind: "linear" }, left, feature)]).toEqual([logits[0], logits[2]]);
  expect([...left.weight.steps]).toEqual([1, 1]);
  expect([...left.bias.momentum]).toEqual([head.bias.momentum[0], head.bias.momentum[2]]);
});
