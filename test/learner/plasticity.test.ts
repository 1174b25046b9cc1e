import { describe, expect, it } from "vitest";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LabelledSample, Learner } from "../../src/learner/types.ts";
import { linearEngine } from "../support/linear-engine.ts";
import { syntheticStream } from "../support/synthetic-stream.ts";

const { train } = syntheticStream({ classes: 4, perClass: 12, seed: 1 });

async function learner(): Promise<{ learner: Learner; batches: LabelledSample[][] }> {
  const learner = createLearner({ engine: linearEngine({ head: stream.head.kind }), settings: stream, seed: 1 });
  const samples: LabelledSample[] = [];
  for (const one of train.slice(0, 24)) samples.push({ ...one, query: await learner.query(one.pixels) });
  return { learner, batches: [samples.slice(0, 8), samples.slice(8, 16), samples.slice(16)] };
}

describe("plasticity", () => {
  it("1 is as without it, more moves the prompts further, and the same numbers give the same state", async () => {
    const states = [];
    for (const plasticity of [undefined, 1, 3, 3]) {
      const { learner: one, batches } = await learner();
      const start = one.save().arrays["prompts"]!.data;
      for (const batch of batches) await one.learn(batch, plasticity === undefined ? {} : { plasticity });
      const { data } = one.save().arrays["prompts"]!;
      states.push({ state: one.save(), moved: Math.hypot(...data.map((x, i) => x - start[i]!)) });
    }
    expect(states[1]!.state).toEqual(states[0]!.state);
    expect(states[2]!.moved).toBeGreaterThan(1.5 * states[0]!.moved);
    expect(states[3]!.state).toEqual(states[2]!.state);
  });
});

describe("similarity", () => {
  it("is null before the first label, then 1 at most, and less for what looks unlike all that came", async () => {
    const { learner: one, batches } = await learner();
    const { query } = batches[0]![0]!;
    expect(one.similarity(query)).toBeNull();
    for (const batch of batches) await one.learn(batch);
    const before = one.save();
    const known = one.similarity(query)!;
    expect(known).toBeLessThanOrEqual(1);
    expect(one.similarity(query.map((x) => -x))).toBeLessThan(known);
    expect(one.save()).toEqual(before);
  });
});
