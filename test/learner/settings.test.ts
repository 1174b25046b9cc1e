import { describe, expect, test } from "vitest";
import { isAppError } from "../../src/kernel/errors.ts";
import { paper, stream } from "../../src/learner/presets.ts";
import { checkSettings } from "../../src/learner/settings.ts";

describe("checkSettings", () => {
  test("accepts every preset", () => {
    for (const preset of [stream, ...Object.values(paper)]) expect(() => checkSettings(preset)).not.toThrow();
  });
  test("names every fault at once", () => {
    const broken = {
      ...stream,
      heads: [],
      pool: { ...stream.pool, topN: 11 },
      head: { ...stream.head, newClass: "zeros" as const },
      topLabels: 0.5,
    };
    let caught: unknown;
    try {
      checkSettings(broken);
    } catch (error) {
      caught = error;
    }
    if (!isAppError(caught, "learner/settings")) throw caught;
    for (const key of ["heads", "pool.topN", "head.newClass", "topLabels"]) expect(caught.message).toContain(key);
    expect(caught.message.split("; ")).toHaveLength(4);
  });
});

const numbers = ({ pool, loss, optimiser }: typeof stream): unknown[] => [
  pool.size,
  pool.promptLength,
  pool.topN,
  loss.pullWeight,
  optimiser.learningRate,
  optimiser.referenceBatch,
  optimiser.clipNorm,
];

test("the paper's presets carry the official constants", () => {
  expect(numbers(paper.cifar100)).toEqual([10, 10, 4, 1, 0.03, 256, 1]);
  expect(numbers(paper.cifar100FirstRelease)).toEqual([10, 5, 5, 0.1, 0.03, 256, 1]);
  expect(numbers(paper.fiveDatasets)).toEqual([20, 10, 4, 0.5, 0.03, 256, 1]);
  expect(numbers(paper.core50)).toEqual([10, 5, 4, 1, 0.03, 256, 1]);
  for (const preset of Object.values(paper))
    expect([preset.heads, preset.loss.mask.kind]).toEqual([["prompted"], "none"]);
});
