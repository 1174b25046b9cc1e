import { expect, test } from "vitest";
import { type BenchReport, runBench } from "../../src/bench/bench.ts";
import { randomModel } from "../../src/bench/random-model.ts";
import { ratioOf, spreadOf } from "../../src/bench/spread.ts";
import { benchTable } from "../../src/bench/table.ts";
import { tinyArchitecture } from "../support/tiny-model.ts";

const model = randomModel("random_tiny", tinyArchitecture, 1);

async function report(): Promise<BenchReport & { readonly steps: readonly number[] }> {
  const steps: number[] = [];
  const result = await runBench({
    model,
    rounds: 3,
    threads: [1, 2],
    batches: [1, 4],
    selected: 2,
    promptLength: 2,
    tfjs: true,
    onProgress: (done, total) => steps.push(done / total),
  });
  return { ...result, steps };
}

test("measures both engines, every thread count and batch, and says how far it is", async () => {
  const { timings, ratios, tokens, tokenRatio, memory, preprocessingMs, steps } = await report();
  expect(timings).toHaveLength(3 * (2 * 2 + 1));
  expect(new Set(timings.map(({ engine }) => engine))).toEqual(new Set(["onnx", "tfjs"]));
  for (const { ms, cpuMs, batch } of timings) {
    expect(ms.count).toBe(batch === 1 ? 3 : 1);
    for (const { p10, median, p90 } of [ms, cpuMs]) {
      expect(p10).toBeLessThanOrEqual(median);
      expect(median).toBeLessThanOrEqual(p90);
    }
  }
  expect(ratios.map(({ engine, threads, batch }) => [engine, threads, batch])).toEqual([
    ["onnx", 1, 1],
    ["onnx", 1, 4],
    ["onnx", 2, 1],
    ["onnx", 2, 4],
    ["tfjs", null, 1],
  ]);
  // 4 patches and CLS, and 4 prompt tokens.
  expect(tokens).toEqual({ query: 5, prompts: 4 });
  expect(tokenRatio).toBeCloseTo(9 / 5);
  expect(preprocessingMs.count).toBe(3);
  expect(memory.every(({ rssMiB }) => rssMiB > 10)).toBe(true);
  expect(steps.at(-1)).toBe(1);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
});

test("the table says what was measured, on what, and whether the goals are reached", async () => {
  const text = benchTable(await report());
  for (const part of ["random_tiny", "token ratio 1.800", "onnx (cpu)", "tfjs (", "goal ≤ 2.4", "memory after"]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain("NaN");
});

test("a random model is the same for the same seed", () => {
  const [same, other] = [randomModel("a", tinyArchitecture, 1), randomModel("a", tinyArchitecture, 2)];
  expect(same.weights).toEqual(model.weights);
  expect(same.info.modelId).toBe(model.info.modelId);
  expect(other.info.modelId).not.toBe(model.info.modelId);
});

test("spreads lie between the neighbours, ratios are of pairs", () => {
  expect(spreadOf([3])).toEqual({ median: 3, p10: 3, p90: 3, count: 1 });
  const { median, p10, p90 } = spreadOf([5, 1, 4, 2, 3, 6]);
  expect([median, p10, p90]).toEqual([3.5, 1.5, 5.5]);
  expect(ratioOf([10, 40, 90], [10, 20, 30]).median).toBe(2);
});
