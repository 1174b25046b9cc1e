import { expect, test } from "vitest";
import { measure } from "../../src/evaluate/measure.ts";
import type { Method, Said } from "../../src/evaluate/methods/method.ts";
import { planTurns, type Protocol } from "../../src/evaluate/plan.ts";
import { play } from "../../src/evaluate/play.ts";
import { emptyRecord } from "../../src/evaluate/record.ts";
import type { Scenario } from "../../src/evaluate/scenario.ts";

const labels = ["a", "b", "a", "b", "a", "b"];
const scenario: Scenario = {
  name: "made up",
  images: labels.map((label) => ({
    label,
    identity: () => Promise.resolve(""),
    read: () => Promise.resolve(Buffer.of()),
  })),
  stream: [0, 1, 2, 3, 4, 5],
  segments: [{ name: "all", end: 6 }],
  tests: [{ name: "all", images: [0, 1], learnedIn: 0 }],
};
const protocol: Protocol = {
  kind: "single-pass",
  batch: 1,
  labelShare: 1,
  labels: "random",
  labelDelay: 0,
  stops: 1,
};

/** Says nothing before the first label, then "a"; of its heads one says "b", and one says "a" of some frames and then rests. */
function restless(): Method {
  let frames = 0;
  const said = (): Said => {
    if (frames === 0) return { label: null, heads: { steady: null, resting: null } };
    return { label: "a", heads: { steady: "b", resting: frames < 4 ? "a" : null } };
  };
  return {
    learn: (batch) => {
      const before = batch.map(said);
      frames += batch.length;
      return Promise.resolve(before);
    },
    predict: (batch) => Promise.resolve(batch.map(said)),
    stateBytes: () => 0,
    save: () => ({ arrays: {}, meta: {} }),
    restore: () => {},
  };
}

test("a head that rests is judged by what it said, and at the end by nothing", async () => {
  const record = emptyRecord();
  await play({
    scenario,
    protocol,
    seed: 1,
    turns: planTurns(scenario, protocol, { order: "stream", epochs: 1 }, 1),
    method: restless(),
    show: (images) =>
      Promise.resolve(images.map((image) => ({ image, query: new Float32Array(0), pixels: new Uint8Array(0) }))),
    record,
    from: 0,
    onTurn: () => Promise.resolve(false),
  });
  expect(record.right).toEqual({ overall: "001010", steady: "010101", resting: "0010" });
  expect(Object.keys(record.points[0]!.scores)).toEqual(["overall", "steady"]);
  const { heads, averageAccuracy } = measure(record, scenario.tests);
  expect(averageAccuracy).toBe(0.5);
  expect(heads).toEqual({
    steady: { averageAccuracy: 0.5, prequential: 0.5 },
    resting: { averageAccuracy: null, prequential: null },
  });
});
