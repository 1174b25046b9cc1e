import { describe, expect, test } from "vitest";
import { createRng, type Rng } from "../../src/kernel/rng.ts";
import { type NoveltyJudge, noveltyJudge } from "../../src/learner/novelty.ts";
import { stream } from "../../src/learner/presets.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { type ClosedFormHead, gaussians } from "../../src/learner/statistics.ts";
import { linearEngine } from "../support/linear-engine.ts";
import { syntheticStream } from "../support/synthetic-stream.ts";

const width = 16;
const settings = { falseAlarmShare: 0.05, memorySamples: 500 };

/** Classes around means of their own, all with the same common part, as a backbone's features have it. */
function world(seed = 5): { rng: Rng; draw: (c: number) => Float32Array } {
  const rng = createRng(seed);
  const means = Array.from({ length: 8 }, () => Array.from({ length: width }, () => 10 + 2 * rng.normal()));
  return { rng, draw: (c) => Float32Array.from(means[c]!, (m) => m + rng.normal()) };
}

function observe(judge: NoveltyJudge, query: Float32Array): void {
  const judged = judge.judge(query);
  if (judged) judge.observe(judged);
}

/** Six known classes, learned one after another; each frame is judged before it is learned, as in a stream. */
function taught(perClass = 60): { head: ClosedFormHead; judge: NoveltyJudge; draw: (c: number) => Float32Array } {
  const { draw } = world();
  const head = gaussians(stream.statistics, width);
  const judge = noveltyJudge(settings, () => head);
  for (let i = 0; i < 6 * perClass; i++) {
    const c = i % 6;
    const query = draw(c);
    if (c < head.numbers().counts.length) observe(judge, query);
    head.learn(query, c);
  }
  return { head, judge, draw };
}

describe("novelty", () => {
  test("is 1 − the largest cosine to a class mean from the mean of all, where the covariance is round", () => {
    const head = gaussians(stream.statistics, 2);
    head.learn(Float32Array.of(3, 0), 0);
    head.learn(Float32Array.of(-1, 0), 1);
    const judge = noveltyJudge(settings, () => head);
    const score = (x: number, y: number): number => judge.judge(Float32Array.of(x, y))!.score;
    // The mean of all is (1, 0).
    expect(score(5, 0)).toBeCloseTo(0, 12);
    expect(score(1, 2)).toBeCloseTo(1, 12);
    expect(score(2, 1)).toBeCloseTo(1 - Math.SQRT1_2, 12);
  });

  test("says nothing before two classes were learned, and calls nothing unknown before the stream gave a limit", () => {
    const { draw } = world();
    const head = gaussians(stream.statistics, width);
    const judge = noveltyJudge(settings, () => head);
    expect(judge.judge(draw(0))).toBeNull();
    head.learn(draw(0), 0);
    expect(judge.judge(draw(0))).toBeNull();
    head.learn(draw(1), 1);
    expect(judge.judge(draw(7))).toMatchObject({ rank: null, unknown: false });
    for (let i = 0; i < 18; i++) observe(judge, draw(i % 2));
    expect(judge.judge(draw(7))!.unknown).toBe(false);
    observe(judge, draw(0));
    expect(judge.judge(Float32Array.from(draw(0), (x) => -x))!.unknown).toBe(true);
  });

  test("calls about the share of known frames unknown, and most of those of a class never learned", () => {
    const { judge, draw } = taught();
    const share = (classes: number[]): number => {
      const frames = Array.from({ length: 600 }, (_, i) => draw(classes[i % classes.length]!));
      return frames.filter((query) => judge.judge(query)!.unknown).length / frames.length;
    };
    const known = share([0, 1, 2, 3, 4, 5]);
    expect(known).toBeGreaterThan(0.005);
    expect(known).toBeLessThan(0.1);
    expect(share([6, 7])).toBeGreaterThan(0.9);
  });

  test("a class is known once it was learned, and unlike the others again when it was forgotten", () => {
    const { head, judge, draw } = taught();
    for (let i = 0; i < 20; i++) head.learn(draw(6), 6);
    const unknown = (): number =>
      Array.from({ length: 50 }, () => judge.judge(draw(6))!).filter((n) => n.unknown).length;
    expect(unknown()).toBeLessThan(10);
    head.drop(6);
    expect(unknown()).toBeGreaterThan(40);
  });

  test("with a share of 0 nothing is ever unknown", () => {
    const { head, judge, draw } = taught();
    const never = noveltyJudge({ ...settings, falseAlarmShare: 0 }, () => head, judge.save());
    expect(never.judge(draw(7))!.unknown).toBe(false);
  });

  test("keeps the latest scores alone, and goes on from them", () => {
    const { head, judge, draw } = taught();
    const few = noveltyJudge({ ...settings, memorySamples: 40 }, () => head, judge.save());
    observe(few, draw(1));
    expect(few.save()).toHaveLength(40);
    const again = noveltyJudge(settings, () => head, judge.save());
    const query = draw(3);
    expect(again.judge(query)).toEqual(judge.judge(query));
  });
});

test("a learner's limit comes from the scores that its predictions have", async () => {
  const engine = linearEngine({ head: stream.head.kind, parts: 3 });
  const learner = createLearner({ engine, settings: stream, seed: 1 });
  const { train } = syntheticStream({ classes: 4, perClass: 20, seed: 2 });
  const said: number[] = [];
  for (const one of train) {
    const sample = { ...one, query: await learner.query(one.pixels) };
    const known = learner.labels.includes(one.label);
    const { novelty } = await learner.predictOne(sample);
    await learner.learn([sample]);
    if (known && novelty) said.push(novelty.score);
  }
  expect(said.length).toBeGreaterThan(10);
  expect([...learner.save().arrays["knownScores"]!.data]).toEqual(said);
});
