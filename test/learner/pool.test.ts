import { expect, test } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { createPool, gather, withKeys } from "../../src/learner/pool.ts";
import { paper, stream } from "../../src/learner/presets.ts";
import { cosines, selectPrompts } from "../../src/learner/select.ts";

const width = 32;

test("a pool has the shapes and ranges that its settings say", () => {
  for (const settings of [paper.cifar100.pool, paper.cifar100Ports.pool]) {
    const { prompts, keys } = createPool(settings, width, createRng(1));
    expect(prompts.value).toHaveLength(settings.size * settings.promptLength * width);
    expect(keys.value).toHaveLength(settings.size * width);
    const { low, high } = settings.promptInit;
    for (const x of [...prompts.value, ...keys.value]) {
      expect(x).toBeGreaterThanOrEqual(low);
      expect(x).toBeLessThan(high);
    }
    const mean = prompts.value.reduce((a, b) => a + b, 0) / prompts.value.length;
    expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((high - low) / 20);
  }
});

test("keys from first features are around the features' mean, and spread unlike features over all prompts", () => {
  const rng = createRng(2);
  const common = Float32Array.from({ length: width }, () => 5 * rng.normal());
  const feature = (): Float32Array => common.map((x) => x + rng.normal());
  const fresh = createPool(stream.pool, width, createRng(3));
  const placed = withKeys(fresh, stream.pool, [feature(), feature()]);
  for (const cosine of cosines(common, placed.keys.value)) expect(cosine).toBeCloseTo(1 / Math.sqrt(1.25), 1);

  const uses = (keys: Float32Array): number => {
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) for (const id of selectPrompts(feature(), keys, 4)) seen.add(id);
    return seen.size;
  };
  const official = createPool(paper.cifar100.pool, width, createRng(3));
  expect(uses(placed.keys.value)).toBe(10);
  expect(uses(official.keys.value)).toBeLessThan(8);
  expect(withKeys(official, paper.cifar100.pool, [feature()])).toBe(official);
});

test("gather puts each sample's prompts one after another", () => {
  const { keys } = createPool({ ...stream.pool, size: 3 }, 2, createRng(1));
  const [a, b, c] = [0, 2, 4].map((i) => [...keys.value.subarray(i, i + 2)]);
  expect(
    gather(
      keys,
      [
        [2, 0],
        [1, 1],
      ],
      2,
    ),
  ).toEqual({
    data: Float32Array.from([...c!, ...a!, ...b!, ...b!]),
    shape: [2, 2, 2],
  });
  expect(gather({ ...keys, width: 6 }, [[0]], 2).shape).toEqual([1, 3, 2]);
});
