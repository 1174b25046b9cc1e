import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LabelledSample, Learner } from "../../src/learner/types.ts";
import { linearEngine } from "./linear-engine.ts";
import { syntheticStream } from "./synthetic-stream.ts";

/** A learner with the stream preset (M 10, Lp 5) on a fake backbone. */
export function streamLearner(width: number, seed = 1): Learner {
  return createLearner({ engine: linearEngine({ head: stream.head.kind, width, parts: 4 }), settings: stream, seed });
}

/** Learns ten classes, `perClass` samples each, one of each class a batch; gives 200 samples it has not learned. */
export async function teach(learner: Learner, perClass: number): Promise<readonly LabelledSample[]> {
  const { test } = syntheticStream({ classes: 10, perClass: 1, seed: 3 });
  const samples: LabelledSample[] = [];
  for (const item of test.slice(0, 10 * (perClass + 20)))
    samples.push({ ...item, query: await learner.query(item.pixels) });
  for (let i = 0; i < perClass; i++) await learner.learn(samples.slice(10 * i, 10 * (i + 1)));
  return samples.slice(10 * perClass);
}
