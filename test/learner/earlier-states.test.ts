import { expect, test } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LabelledSample, LearnerState } from "../../src/learner/types.ts";
import { linearEngine } from "../support/linear-engine.ts";

const engine = linearEngine({ head: stream.head.kind });
const { queryWidth, imageSize } = engine.info;
const settings = { ...stream, heads: ["statistics"] } as const;

async function taught(): Promise<{ state: LearnerState; next: () => LabelledSample }> {
  const rng = createRng(5);
  const next = (): LabelledSample => {
    const c = rng.int(3);
    const query = Float32Array.from({ length: queryWidth }, (_, i) => (i % 3 === c ? 1 : 0) + rng.normal());
    return { label: "abc"[c]!, query, pixels: new Uint8Array(imageSize ** 2 * 3) };
  };
  const learner = createLearner({ engine, settings, seed: 1 });
  for (let n = 0; n < 40; n++) await learner.learn([next(), next()]);
  return { state: structuredClone(learner.save()), next };
}

function withStatistics(state: LearnerState, change: (statistics: Record<string, unknown>) => void): LearnerState {
  const statistics = { ...(state.meta["statistics"] as Record<string, unknown>) };
  change(statistics);
  return { ...state, meta: { ...state.meta, statistics } };
}

test("a state from before means were drawn is read, and learns on", async () => {
  const { state, next } = await taught();
  const earlier = withStatistics(state, (statistics) => {
    delete statistics["spread"];
  });
  const learner = createLearner({ engine, settings, seed: 1 });
  learner.restore(earlier);
  const { query, pixels } = next();
  const { label, top } = await learner.predictOne({ query, pixels });
  expect(label).not.toBeNull();
  expect(top.every(([, probability]) => Number.isFinite(probability))).toBe(true);
  for (let n = 0; n < 5; n++) await learner.learn([next()]);
  expect((await learner.predictOne({ query, pixels })).top.every(([, p]) => Number.isFinite(p))).toBe(true);
});

test("a state from when own covariances were on trial is read, and tells that version that they are worth it", async () => {
  const { state } = await taught();
  const tried = withStatistics(state, (statistics) => {
    statistics["tally"] = { better: 7.5, worse: 1.25, used: false };
    statistics["spread"] = 3.5;
  });
  const learner = createLearner({ engine, settings, seed: 1 });
  learner.restore(tried);
  expect(learner.save().meta["statistics"]).toMatchObject({ spread: 3.5, worth: 0.01, begun: true });
});
