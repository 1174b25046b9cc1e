import { describe, expect, it } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LabelledSample, Learner } from "../../src/learner/types.ts";
import { rollbackGuard, type RollbackSettings } from "../../src/stream/rollback.ts";
import { linearEngine } from "../support/linear-engine.ts";
import { syntheticStream } from "../support/synthetic-stream.ts";

const settings: RollbackSettings = { enabled: true, windowLabels: 160, margin: 0.05, labelsPerMistake: 1000 };
const batchSize = 8;

const engine = linearEngine({ head: stream.head.kind });
// What is judged is the learner's answer, whatever heads it has: without prompts this is quick.
// A toy's few numbers need less of a ridge than a ViT's hundreds.
const statistics = { ...stream.statistics, ridge: 1 };
const learner = (): Learner =>
  createLearner({ engine, settings: { ...stream, heads: ["statistics"], statistics }, seed: 1 });

/** Frames of six classes that come mixed. @param dim Darkens the picture, 0…1. */
async function frames(from: number, count: number, dim = 0): Promise<LabelledSample[]> {
  const { test } = syntheticStream({ classes: 6, perClass: 6, seed: 3, noise: 30 });
  const rng = createRng(from);
  const one = learner();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { pixels, label } = test[rng.int(test.length)]!;
      const darker = pixels.map((x) => x * (1 - dim));
      return { pixels: darker, label, query: await one.query(darker) };
    }),
  );
}

interface Played {
  readonly learner: Learner;
  /** Labels learned when it went back. */
  readonly backAt: readonly number[];
  readonly accuracy: (samples: readonly LabelledSample[]) => Promise<number>;
}

async function play(samples: readonly LabelledSample[], isGuarded = true): Promise<Played> {
  const one = learner();
  const guard = rollbackGuard({ settings, learner: one, shadow: learner });
  const backAt: number[] = [];
  for (let at = 0; at < samples.length; at += batchSize) {
    const batch = samples.slice(at, at + batchSize);
    const learned = await one.learn(batch);
    const judged = batch.map((sample, i) => ({ sample, learned: learned[i]! }));
    if (isGuarded && (await guard.judge(judged))) backAt.push(at + batch.length);
  }
  const accuracy = async (tested: readonly LabelledSample[]): Promise<number> => {
    let right = 0;
    for (const sample of tested) right += Number((await one.predictOne(sample)).label === sample.label);
    return right / tested.length;
  };
  return { learner: one, backAt, accuracy };
}

const wrong = (samples: readonly LabelledSample[]): LabelledSample[] =>
  samples.map((sample) => ({ ...sample, label: `class ${(Number(sample.label.slice(6)) + 1) % 6}` }));

describe("the learner goes back by itself", () => {
  it("once right labels come again after a run of wrong ones, and is better for it", async () => {
    const samples = [...(await frames(1, 176)), ...wrong(await frames(2, 152)), ...(await frames(3, 96))];
    const [guarded, unguarded] = [await play(samples), await play(samples, false)];
    expect(guarded.backAt).toHaveLength(1);
    expect(guarded.backAt[0]).toBeGreaterThan(328);
    const fresh = await frames(4, 200);
    const [with_, without] = [await guarded.accuracy(fresh), await unguarded.accuracy(fresh)];
    console.log(`after wrong labels: ${with_} with the guard, ${without} without; back at ${guarded.backAt.join()}`);
    expect(with_).toBeGreaterThan(without);
  });

  it("not in a steady stream, and not when the world changes and changes back", async () => {
    const steady = await play(await frames(5, 800));
    expect(steady.backAt).toEqual([]);
    const drift = [...(await frames(6, 300)), ...(await frames(7, 200, 0.7)), ...(await frames(8, 200))];
    expect((await play(drift)).backAt).toEqual([]);
  });

  it("not for new classes, which the earlier state cannot know", async () => {
    const [old, all] = [await frames(9, 300), await frames(10, 300)];
    const few = old.filter(({ label }) => label < "class 3");
    expect((await play([...few, ...all])).backAt).toEqual([]);
  });
});

describe("the bet", () => {
  const said = (label: string): { label: string } => ({ label });
  /** A guard over fakes: the learner is right with one chance, its earlier state with another. */
  async function bet(rightNow: number, rightBefore: number, labels: number, seed: number): Promise<number> {
    const rng = createRng(seed);
    let backs = 0;
    const fake = { save: () => ({ arrays: {}, meta: {} }), restore: () => {} };
    const predictOne = async (): Promise<never> => said(rng.uniform() < rightBefore ? "a" : "b") as never;
    const guard = rollbackGuard({
      settings,
      learner: fake,
      shadow: () => ({ ...fake, predictOne }),
    });
    for (let i = 0; i < labels; i++) {
      const learned = { before: said(rng.uniform() < rightNow ? "a" : "b") } as never;
      if (await guard.judge([{ sample: { label: "a" } as never, learned }])) backs += 1;
    }
    return backs;
  }

  it("is lost by chance no more often than was said, for a state that is better by just the margin", async () => {
    const [runs, labels] = [200, 3 * settings.windowLabels];
    let backs = 0;
    for (let seed = 0; seed < runs; seed++) backs += await bet(0.6, 0.65, labels, seed);
    expect(backs).toBeLessThan((runs * labels) / 1000);
  });

  it("is won soon where the earlier state is much better", async () => {
    let backs = 0;
    for (let seed = 0; seed < 20; seed++) backs += await bet(0.4, 0.8, 2 * settings.windowLabels, seed);
    expect(backs).toBe(20);
  });

  it("nothing kept comes back after it was told to forget", async () => {
    const rng = createRng(1);
    let restored = 0;
    const fake = { save: () => ({ arrays: {}, meta: {} }), restore: () => void (restored += 1) };
    const predictOne = async (): Promise<never> => said("a") as never;
    const guard = rollbackGuard({ settings, learner: fake, shadow: () => ({ predictOne, restore: () => {} }) });
    for (let i = 0; i < 600; i++) {
      if (i % 100 === 0) guard.forget();
      const learned = { before: said(rng.uniform() < 0.1 ? "a" : "b") } as never;
      await guard.judge([{ sample: { label: "a" } as never, learned }]);
    }
    expect(restored).toBe(0);
  });
});
