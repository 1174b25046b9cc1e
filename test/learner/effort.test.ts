import { describe, expect, test } from "vitest";
import { afterBatch, type Effort, freshEffort, type Verdict } from "../../src/learner/effort.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import type { LabelledSample } from "../../src/learner/types.ts";
import { linearEngine } from "../support/linear-engine.ts";
import { createRng } from "../../src/kernel/rng.ts";

const settings = { heads: stream.heads, effort: { trialLabels: 20, restLabels: 50 } };
const verdict = (combined: boolean, alone: boolean): Verdict => ({ combined, alone });
const [right, wrong, rescued, spoiled] = [
  verdict(true, true),
  verdict(false, false),
  verdict(true, false),
  verdict(false, true),
];

function after(effort: Effort, verdicts: readonly Verdict[], plasticity = 1): Effort {
  return afterBatch(settings, effort, verdicts, Math.max(1, verdicts.length), plasticity);
}

const many = (count: number, of: Verdict): Verdict[] => Array.from({ length: count }, () => of);

describe("prompts on trial", () => {
  test("work on where they put more labels right than chance would, and begin the next trial", () => {
    expect(after(freshEffort, [...many(4, rescued), ...many(16, right)])).toEqual(freshEffort);
    expect(after(freshEffort, [...many(6, rescued), ...many(2, spoiled), ...many(12, wrong)])).toEqual(freshEffort);
  });

  test.each([
    ["change nothing", many(20, right)],
    ["put as many right as wrong", [...many(5, rescued), ...many(5, spoiled), ...many(10, right)]],
    ["differ by less than one deviation", [...many(5, rescued), ...many(3, spoiled), ...many(12, right)]],
    ["do harm", [...many(9, spoiled), ...many(11, right)]],
  ])("rest when they %s", (_, verdicts) => {
    expect(after(freshEffort, verdicts).resting).toBe(true);
  });

  test("are not judged before the trial is over", () => {
    const half = after(freshEffort, many(19, spoiled));
    expect(half).toMatchObject({ resting: false, judged: 19, worse: 19 });
    expect(after(half, [spoiled]).resting).toBe(true);
  });

  test("are tried again when plasticity rises, once a rise, and after a while", () => {
    const resting: Effort = { ...freshEffort, resting: true };
    const woken = after(resting, [], 4);
    expect(woken).toMatchObject({ resting: false, judged: 0, plastic: true });
    // The trial fails while the plasticity is still raised: that rise has had its trial.
    const again = after(woken, many(20, right), 3);
    expect(again.resting).toBe(true);
    expect(after(again, [], 2).resting).toBe(true);
    expect(after(after(again, [], 1), [], 2).resting).toBe(false);
    let waiting = resting;
    for (let n = 0; n < 49; n++) waiting = after(waiting, []);
    expect(waiting.resting).toBe(true);
    expect(after(waiting, []).resting).toBe(false);
  });

  test("with one head, or no rule, there is no trial", () => {
    const verdicts = many(40, spoiled);
    expect(afterBatch({ ...settings, heads: ["prompted"] }, freshEffort, verdicts, 40, 1)).toBe(freshEffort);
    expect(afterBatch({ ...settings, effort: null }, freshEffort, verdicts, 40, 1)).toBe(freshEffort);
  });
});

describe("a learner whose prompts rest", () => {
  const engine = linearEngine({ head: stream.head.kind });
  const { width, imageSize } = engine.info;
  const rng = createRng(5);
  const sample = (label: string, centre: number): LabelledSample => ({
    label,
    pixels: Uint8Array.from({ length: imageSize ** 2 * 3 }, () => rng.int(256)),
    query: Float32Array.from({ length: width }, (_, i) => (i % 3 === centre ? 3 : 0) + 0.2 * rng.normal()),
  });
  const next = (n: number): LabelledSample => sample(["a", "b", "c"][n % 3]!, n % 3);
  const quick = { ...stream, effort: { trialLabels: 12, restLabels: 1000 } };

  test("runs no pass for them, says so, learns on, and takes new classes", async () => {
    const learner = createLearner({ engine, settings: quick, seed: 1 });
    for (let n = 0; n < 30; n++) await learner.learn([next(n)]);
    // The queries alone tell these apart: nothing is left to put right.
    expect(learner.telemetry().combination).toEqual({ prompted: 0, statistics: 1 });
    const before = { ...engine.calls };
    const prediction = await learner.predictOne(next(0));
    await learner.learn([next(1), next(2)]);
    expect(engine.calls).toEqual(before);
    expect(prediction).toMatchObject({ label: "a", heads: { prompted: null, statistics: "a" } });
    expect(prediction.promptIds).toHaveLength(stream.pool.topN);

    const [fresh] = await learner.learn([sample("d", 5)]);
    expect(fresh!.label).toBe("d");
    expect(learner.labels).toEqual(["a", "b", "c", "d"]);

    const restored = createLearner({ engine, settings: quick, seed: 2 });
    restored.restore(structuredClone(learner.save()));
    expect(restored.telemetry().combination).toEqual({ prompted: 0, statistics: 1 });
    const batch = [next(0), next(1)];
    // Drift wakes them in both alike.
    for (const one of [learner, restored]) await one.learn(batch, { plasticity: 4 });
    expect(learner.telemetry().combination.prompted).toBeGreaterThan(0);
    for (const one of [learner, restored]) await one.learn(batch, { plasticity: 4 });
    expect(restored.save()).toEqual(learner.save());
  });
});
