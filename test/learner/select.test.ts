import { describe, expect, test } from "vitest";
import { cosines, selectDiversePrompts, selectPrompts } from "../../src/learner/select.ts";

const query = Float32Array.of(1, 0);

describe("cosines", () => {
  test("ignore the lengths of query and keys", () => {
    const keys = Float32Array.of(2, 0, 0, 5, -0.5, 0, 3, 3);
    const expected = [1, 0, -1, Math.SQRT1_2];
    for (const scale of [1e-3, 1, 1e3]) {
      cosines(
        query.map((x) => x * scale),
        keys,
      ).forEach((c, m) => expect(c).toBeCloseTo(expected[m]!, 6));
    }
  });
  test("are 0, not NaN, for zeros", () => {
    expect([...cosines(Float32Array.of(0, 0), Float32Array.of(1, 2, 0, 0))]).toEqual([0, 0]);
    expect([...cosines(query, Float32Array.of(0, 0))]).toEqual([0]);
  });
});

describe("selectPrompts", () => {
  test("takes the most similar first", () => {
    expect(selectPrompts(query, Float32Array.of(0, 1, 1, 0.1, 1, 1), 2)).toEqual([1, 2]);
  });
  test("gives ties to the lowest id", () => {
    expect(selectPrompts(query, Float32Array.of(0, 1, 1, 0, 1, 0, 0, 1, 1, 0), 4)).toEqual([1, 2, 4, 0]);
  });
  test("does not depend on other samples: there is no vote of the batch", () => {
    const keys = Float32Array.of(1, 0, 0, 1);
    expect(selectPrompts(Float32Array.of(1, 0.1), keys, 1)).toEqual([0]);
    expect(selectPrompts(Float32Array.of(0.1, 1), keys, 1)).toEqual([1]);
  });
});

describe("selectDiversePrompts", () => {
  const keys = Float32Array.of(1, 0.5, 1, 0.6, 0, 1);
  test("without uses it selects as `selectPrompts` does", () => {
    expect(selectDiversePrompts(query, keys, 2, [0, 0, 0])).toEqual(selectPrompts(query, keys, 2));
  });
  test("turns from a prompt used often to a near one used rarely (eq. 4)", () => {
    expect(selectDiversePrompts(query, keys, 1, [100, 0, 0])).toEqual([1]);
    expect(selectDiversePrompts(query, keys, 1, [100, 90, 100])).toEqual([0]);
  });
});
