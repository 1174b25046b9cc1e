import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type DurableState, openDurableState } from "../../src/app/durable-state.ts";
import type { Snapshot } from "../../src/stream/checkpoint.ts";
import { recoverLabels } from "../../src/stream/recover.ts";
import type { LabelledSample } from "../../src/learner/types.ts";
import { type FakeLearner, fakeLearner } from "../support/fake-stream.ts";
import { temporaryFolder } from "../support/journal-entries.ts";

const model = { modelId: "a".repeat(64), modelName: "tiny" };
const of = { ...model, node: "box1" };

async function open(folder: string, keep = 3): Promise<DurableState> {
  const state = await openDurableState({ folder, keep, journalMaxBytes: 2 ** 22, log: () => {} });
  onTestFinished(() => state.close().catch(() => {}));
  return state;
}

/** A label arrives, is written, learned in a batch of its own. */
async function teach(state: DurableState, learner: FakeLearner, frameId: string): Promise<void> {
  const key = { camera: "cam0", frameId, label: `label of ${frameId}` };
  const frame = new TextEncoder().encode(frameId);
  await state.journal.append([{ kind: "label", ...key, receivedAt: 0, frame }]);
  await state.journal.append([{ kind: "batch", poolVersion: learner.poolVersion + 1, labels: [key] }]);
  const sample: LabelledSample = { pixels: frame, query: Float32Array.of(0), label: key.label };
  await learner.learn([sample]);
}

function snapshotOf(
  learner: FakeLearner,
  reason: Snapshot["reason"] = "learned",
  settle: Snapshot["settle"] = () => {},
): Snapshot {
  const accuracy = { overall: null, windowed: 0.5, fading: null };
  const judge = { hits: 0, fadingHits: 0, recent: "" };
  const through = learner.poolVersion;
  return {
    reason,
    state: learner.save(),
    compact: learner.saveCompact(),
    poolVersion: through,
    labels: learner.labels,
    accuracy: { samples: 0, combined: accuracy, prompted: accuracy, statistics: accuracy },
    stream: {
      v: 1,
      through,
      memory: [],
      accuracy: { samples: 0, fadingCount: 0, judges: { combined: judge, prompted: judge, statistics: judge } },
      paused: false,
    },
    through,
    settle,
  };
}

describe("durable state", () => {
  it("has its checkpoint, and says so, though the journal could not be cut", async () => {
    const state = await open(await temporaryFolder());
    const learner = fakeLearner();
    await teach(state, learner, "f1");
    vi.spyOn(state.journal, "cut").mockRejectedValue(new Error("no space"));
    expect(await state.save(snapshotOf(learner), of)).toMatchObject({ poolVersion: 1 });
    expect(await state.store.list()).toHaveLength(1);
  });

  it("goes on from the newest checkpoint", async () => {
    const folder = await temporaryFolder();
    const first = await open(folder);
    const learner = fakeLearner();
    await teach(first, learner, "f1");
    expect(await first.save(snapshotOf(learner), of)).toMatchObject({ node: "box1", poolVersion: 1, accuracy: 0.5 });
    await first.close();

    const second = await open(folder);
    const again = fakeLearner();
    expect(await second.restoreInto(again, model)).toMatchObject({ stream: { through: 1 } });
    expect(again.fingerprint).toBe(learner.fingerprint);
  });

  it("loses nothing when the newest checkpoint is damaged: the one before and the journal make it up", async () => {
    const folder = await temporaryFolder();
    const first = await open(folder);
    const learner = fakeLearner();
    for (const frameId of ["f1", "f2", "f3"]) {
      await teach(first, learner, frameId);
      await first.save(snapshotOf(learner), of);
    }
    await teach(first, learner, "f4");
    await first.close();
    const newest = join(folder, "checkpoints", (await readdir(join(folder, "checkpoints"))).toSorted().at(-1)!);
    const bytes = await readFile(newest);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(newest, bytes);

    const second = await open(folder);
    const again = fakeLearner();
    await second.restoreInto(again, model);
    expect(again.poolVersion).toBe(2);
    for (const { labels } of recoverLabels(second.recovered, 2).batches) {
      await again.learn(
        labels.map(({ key, frame }) => ({ pixels: frame!, query: Float32Array.of(0), label: key.label })),
      );
    }
    expect(again.fingerprint).toBe(learner.fingerprint);
  });

  it("keeps the journal short: it holds what came after the checkpoint before, and less when it was full", async () => {
    const state = await open(await temporaryFolder());
    const learner = fakeLearner();
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) {
      await teach(state, learner, `f${i}`);
      await state.save(snapshotOf(learner), of);
      sizes.push(state.journal.sizeBytes);
    }
    expect(sizes[5]).toBe(sizes[2]);
    await state.save(snapshotOf(learner, "journal"), of);
    expect(state.journal.sizeBytes).toBeLessThan(sizes[5]!);
  });

  it("tells a snapshot what became of its checkpoint, before the journal is cut", async () => {
    const folder = await temporaryFolder();
    const state = await open(folder);
    const learner = fakeLearner();
    await teach(state, learner, "f1");
    const told: unknown[] = [];
    const files = (): Promise<string[]> => readdir(join(folder, "checkpoints"));
    const settle = (failure?: unknown): void => void told.push(failure ?? files());
    await state.save(snapshotOf(learner, "command", settle), of);
    expect(await told[0]).toHaveLength(1);

    await rm(join(folder, "checkpoints"), { recursive: true });
    await expect(state.save(snapshotOf(learner, "command", settle), of)).rejects.toMatchObject({ code: "store/io" });
    expect(told[1]).toMatchObject({ code: "store/io" });
    expect(told).toHaveLength(2);
  });

  it("refuses the state of another backbone", async () => {
    const state = await open(await temporaryFolder());
    const learner = fakeLearner();
    await teach(state, learner, "f1");
    await state.save(snapshotOf(learner), of);
    const other = { modelId: "b".repeat(64), modelName: "other" };
    await expect(state.restoreInto(fakeLearner(), other)).rejects.toMatchObject({ code: "snapshot/model-mismatch" });
  });

  it("is held by one process at a time", async () => {
    const folder = await temporaryFolder();
    await open(folder);
    await expect(open(folder)).rejects.toMatchObject({ code: "state/locked" });
  });
});
