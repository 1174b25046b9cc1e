import { describe, expect, it } from "vitest";
import { diffSaved } from "../../src/app/snapshot-diff.ts";
import { decodeSaved, type SavedFile } from "../../src/app/snapshot-file.ts";
import type { Learner } from "../../src/learner/types.ts";
import { encodeCheckpoint } from "../../src/message/checkpoint.ts";
import { encodeSnapshot } from "../../src/message/snapshot.ts";
import type { Precision } from "../../src/message/snapshot-precision.ts";
import { streamLearner, teach } from "../support/learned.ts";

function about(learner: Learner, modelId = "a".repeat(64)): SavedFile["about"] {
  const { poolVersion } = learner;
  const createdAt = "2026-01-02T03:04:05.000Z";
  return { modelId, modelName: "vit", node: "box", createdAt, poolVersion, reason: "stop", accuracy: null };
}

const full = (learner: Learner, modelId?: string): SavedFile =>
  decodeSaved(encodeCheckpoint({ about: about(learner, modelId), state: learner.save(), stream: null }));
const compact = (learner: Learner, precision: Precision): SavedFile =>
  decodeSaved(encodeSnapshot(learner.saveCompact(), about(learner), { precision }));

describe("the difference of two saved states", () => {
  it("is nothing between a state and itself, and only rounding between a checkpoint and its snapshots", async () => {
    const learner = streamLearner(24);
    await teach(learner, 3);
    const same = diffSaved(full(learner), full(learner));
    expect(same).toMatchObject({ versions: [3, 3], added: [], removed: [], renamed: [], counts: [] });
    expect(
      Math.max(...[...same.prompts, ...same.keys, ...same.classMeans.map(([, d]) => d)].map((d) => d ?? 9)),
    ).toBeLessThan(1e-6);
    for (const [precision, most] of [
      ["fp16", 1e-6],
      ["int8", 1e-3],
    ] as const) {
      const rounded = diffSaved(full(learner), compact(learner, precision));
      expect(rounded).toMatchObject({ added: [], removed: [], renamed: [], counts: [] });
      expect(rounded.prompts).toHaveLength(10);
      for (const moved of [...rounded.prompts, ...rounded.keys]) expect(moved).toBeLessThan(most);
    }
  });

  it("tells labels that were learned, forgotten and renamed, and what moved", async () => {
    const learner = streamLearner(24);
    const [sample] = await teach(learner, 3);
    const before = full(learner);
    const labels = [...learner.labels];
    learner.forgetLabel(labels[2]!);
    learner.renameLabel(labels[5]!, "renamed");
    await learner.learnOne(sample!, labels[0]!);
    await learner.learnOne({ pixels: sample!.pixels, query: sample!.query.map((x) => -x) }, "new");
    const diff = diffSaved(before, full(learner));
    expect(diff).toMatchObject({
      versions: [3, 5],
      sameModel: true,
      added: ["new"],
      removed: [labels[2]],
      renamed: [[labels[5], "renamed"]],
      counts: [[labels[0], 3, 4]],
    });
    const moved = new Map(diff.classMeans);
    expect(moved.get(labels[0]!)).toBeGreaterThan(1e-6);
    expect(moved.get(labels[1]!)).toBeLessThan(1e-6);
    expect(Math.max(...diff.prompts.map((d) => d ?? 0))).toBeGreaterThan(1e-6);
    // Backwards, what was added is removed.
    expect(diffSaved(full(learner), before)).toMatchObject({ added: [labels[2]], removed: ["new"] });
  });

  it("gives no distances between states of different models or pools", async () => {
    const [learner, wider] = [streamLearner(24), streamLearner(32)];
    await teach(learner, 1);
    await teach(wider, 1);
    const other = diffSaved(full(learner), full(learner, "b".repeat(64)));
    expect(other).toMatchObject({ sameModel: false, prompts: [], keys: [], classMeans: [] });
    expect(diffSaved(full(learner), full(wider))).toMatchObject({
      sameModel: true,
      prompts: [],
      keys: [],
      classMeans: [],
    });
  });

  it("of empty states is empty", () => {
    const diff = diffSaved(full(streamLearner(24)), full(streamLearner(24)));
    expect(diff).toMatchObject({ versions: [0, 0], added: [], removed: [], classMeans: [] });
  });
});
