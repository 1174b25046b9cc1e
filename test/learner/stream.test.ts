import { expect, test } from "vitest";
import { createLearner } from "../../src/learner/learner.ts";
import { paper, stream } from "../../src/learner/presets.ts";
import type { LearnerSettings } from "../../src/learner/settings.ts";
import { linearEngine } from "../support/linear-engine.ts";
import { syntheticStream } from "../support/synthetic-stream.ts";

const classes = 10;

/** One pass in batches, then the accuracy over all classes, of the combination and of each head. */
async function play(
  settings: LearnerSettings,
  batchSize: number,
): Promise<Record<"all" | "prompted" | "statistics", number>> {
  const engine = linearEngine({ head: settings.head.kind, common: 1.5 });
  const { train, test } = syntheticStream({ classes, perClass: 60, seed: 1 });
  const learner = createLearner({ engine, settings, seed: 1 });
  for (let i = 0; i < train.length; i += batchSize) {
    const batch = train.slice(i, i + batchSize);
    await learner.learn(
      await Promise.all(batch.map(async (item) => ({ ...item, query: await learner.query(item.pixels) }))),
    );
  }
  const right = { all: 0, prompted: 0, statistics: 0 };
  for (const { pixels, label } of test) {
    const said = await learner.predictOne({ pixels, query: await learner.query(pixels) });
    right.all += Number(said.label === label) / test.length;
    right.prompted += Number(said.heads.prompted === label) / test.length;
    right.statistics += Number(said.heads.statistics === label) / test.length;
  }
  return right;
}

const percent = (accuracy: number): string => `${(100 * accuracy).toFixed(1)} %`;

// paper's rate is scaled by batch / 256, so here it is slow as well as forgetful. At 0.015, unscaled, it reaches 14–20 % at
// batch 8 and 10 % at batch 1 (three seeds), against 36–53 % and 42–54 % when the same samples are shuffled.
for (const batchSize of [8, 1]) {
  test(`one pass of bursty, unbalanced, class-incremental labels, batch ${batchSize}: stream learns it, paper does not`, async () => {
    const ours = await play(stream, batchSize);
    // Without trials: prompts that rest leave no prompted head to look at.
    const untried = await play({ ...stream, effort: null }, batchSize);
    const published = await play(paper.cifar100FirstRelease, batchSize);
    console.log(
      `batch ${batchSize}: stream ${percent(ours.all)}, without trials ${percent(untried.all)} (prompted head alone ` +
        `${percent(untried.prompted)}, statistics ${percent(untried.statistics)}), paper ${percent(published.all)}, chance ${percent(1 / classes)}`,
    );
    expect(ours.all).toBeGreaterThan(published.all + 0.3);
    expect(ours.all).toBeGreaterThan(ours.statistics - 0.03);
    // What wins here is the statistics head, which paper has not got; at batch 1 our prompted head alone is near chance too.
    expect(batchSize === 1 || untried.prompted > published.prompted + 0.2).toBe(true);
  });
}
