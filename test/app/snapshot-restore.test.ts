import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDurableState } from "../../src/app/durable-state.ts";
import { newestCheckpoint } from "../../src/app/newest-checkpoint.ts";
import { decodeSaved, type SavedFile } from "../../src/app/snapshot-file.ts";
import { restoreInto, type RestoreOptions } from "../../src/app/snapshot-restore.ts";
import { openFileJournal } from "../../src/edge/file-journal.ts";
import { lockOwner, lockState } from "../../src/edge/state-lock.ts";
import type { Learner } from "../../src/learner/types.ts";
import { encodeCheckpoint } from "../../src/message/checkpoint.ts";
import type { SnapshotAbout } from "../../src/message/snapshot-about.ts";
import { encodeSnapshot } from "../../src/message/snapshot.ts";
import { prequentialAccuracy } from "../../src/stream/accuracy.ts";
import { readStreamState, type StreamState } from "../../src/stream/checkpoint.ts";
import type { JournalEntry } from "../../src/stream/parts.ts";
import { recoverLabels } from "../../src/stream/recover.ts";
import { cleanUps } from "../support/clean-up.ts";
import { streamLearner, teach } from "../support/learned.ts";

const started = cleanUps();
const log = (): void => {};
const model = { modelId: "a".repeat(64), modelName: "vit" };

function aboutOf(learner: Learner, modelId = model.modelId): SnapshotAbout {
  const { poolVersion } = learner;
  const createdAt = "2026-01-02T03:04:05.000Z";
  return { ...model, modelId, node: "other", createdAt, poolVersion, reason: "stop", accuracy: null };
}

function streamOf(through: number): StreamState {
  const memory = [["camera/f1", null, ["bolt"]]] as const;
  return {
    v: 1,
    through,
    memory,
    accuracy: prequentialAccuracy({ accuracyWindow: 10, accuracyFading: 0.9 }).save(),
    paused: false,
  };
}

async function taughtLearner(batches: number): Promise<Learner> {
  const learner = streamLearner(24);
  await teach(learner, batches);
  return learner;
}

async function stateFolder(): Promise<string> {
  return started(await mkdtemp(join(tmpdir(), "l2p-restore-")), (path) => rm(path, { recursive: true }));
}

function compactOf(learner: Learner, modelId?: string): SavedFile {
  return decodeSaved(encodeSnapshot(learner.saveCompact(), aboutOf(learner, modelId)));
}

function checkpointOf(learner: Learner, stream: unknown, modelId?: string): SavedFile {
  return decodeSaved(encodeCheckpoint({ about: aboutOf(learner, modelId), state: learner.save(), stream }));
}

async function restore(
  saved: SavedFile,
  folder: string,
  more: Partial<RestoreOptions> = {},
): ReturnType<typeof restoreInto> {
  return restoreInto({ saved, stateFolder: folder, keep: 3, model: undefined, log, ...more });
}

async function write(folder: string, entries: readonly JournalEntry[]): Promise<void> {
  const journal = await openFileJournal({ folder: join(folder, "journal"), maxBytes: 1e6, log });
  await journal.append(entries);
  await journal.close();
}

const label = (frameId: string): JournalEntry => {
  return { kind: "label", camera: "camera", frameId, label: "nut", receivedAt: 1, frame: Uint8Array.of(1, 2) };
};
const batch = (poolVersion: number, ...frames: readonly string[]): JournalEntry => {
  return { kind: "batch", poolVersion, labels: frames.map((frameId) => ({ camera: "camera", frameId, label: "nut" })) };
};

/** What a node that starts on the folder would do with its journal. */
async function recovered(
  folder: string,
  learner: Learner,
): Promise<{ batches: number; open: number; stream: unknown }> {
  const state = await openDurableState({ folder, keep: 3, journalMaxBytes: 1e6, log });
  const restored = await state.restoreInto(learner, model);
  const through = Math.max(learner.poolVersion, readStreamState(restored?.stream)?.through ?? 0);
  const { batches, open } = recoverLabels(state.recovered, through);
  await state.close();
  return { batches: batches.length, open: open.length, stream: restored?.stream };
}

describe("restoring into a state folder", () => {
  it("lets a node go on from a checkpoint, with the stream's part of it, where the folder was empty", async () => {
    const folder = await stateFolder();
    const learner = await taughtLearner(3);
    const restored = await restore(checkpointOf(learner, streamOf(3)), folder);
    expect(restored).toMatchObject({ replacedLabels: 0, waitingLabels: 0 });
    const next = streamLearner(24, 9);
    expect(await recovered(folder, next)).toEqual({ batches: 0, open: 0, stream: streamOf(3) });
    expect(next.save()).toEqual(learner.save());
  });

  it("makes a compact snapshot the newest checkpoint; the box keeps what it knows of its stream", async () => {
    const folder = await stateFolder();
    const [own, other] = [await taughtLearner(5), await taughtLearner(2)];
    await restore(checkpointOf(own, streamOf(5)), folder);
    const { checkpoint } = await restore(compactOf(other), folder);
    const newest = await newestCheckpoint(folder, { onUnusable: () => {} });
    expect(newest.name).toBe(checkpoint);
    expect(newest.checkpoint.about).toEqual({ ...aboutOf(other), reason: "restore" });
    const next = streamLearner(24, 9);
    expect(await recovered(folder, next)).toMatchObject({ stream: streamOf(5) });
    expect(next.labels).toEqual(other.labels);
    expect(next.poolVersion).toBe(2);
  });

  it("of a crashed node's journal keeps what was not learned, and replaces what was", async () => {
    const folder = await stateFolder();
    await restore(checkpointOf(await taughtLearner(2), streamOf(2)), folder);
    await write(folder, [label("a"), label("b"), label("c"), batch(3, "a"), batch(4, "b")]);
    const restored = await restore(compactOf(await taughtLearner(1)), folder);
    expect(restored).toMatchObject({ replacedLabels: 2, waitingLabels: 1 });
    expect(await recovered(folder, streamLearner(24))).toMatchObject({
      batches: 0,
      open: 1,
      stream: { ...streamOf(2), through: 4 },
    });
  });

  it("does so too where there was no checkpoint yet", async () => {
    const folder = await stateFolder();
    await write(folder, [label("a"), label("b"), batch(1, "a")]);
    const restored = await restore(checkpointOf(await taughtLearner(6), streamOf(6)), folder);
    expect(restored).toMatchObject({ replacedLabels: 1, waitingLabels: 1 });
    const found = await recovered(folder, streamLearner(24));
    // Another box's memory of frames would take this box's labels for known ones.
    expect(found).toMatchObject({ batches: 0, open: 1, stream: { through: 6, memory: [] } });
  });

  it("is refused while a process holds the folder, and leaves it free afterwards", async () => {
    const folder = await stateFolder();
    const saved = compactOf(await taughtLearner(1));
    const lock = await lockState(folder);
    expect(await lockOwner(folder)).toBe(process.pid);
    await expect(restore(saved, folder)).rejects.toMatchObject({ code: "state/locked" });
    await lock.release();
    await restore(saved, folder);
    expect(await lockOwner(folder)).toBeUndefined();
  });

  it("refuses another model's: by the model that is told, else by the newest checkpoint's", async () => {
    const folder = await stateFolder();
    const learner = await taughtLearner(1);
    const foreign = compactOf(learner, "b".repeat(64));
    const mismatch = { code: "snapshot/model-mismatch" };
    await expect(restore(foreign, folder, { model })).rejects.toMatchObject(mismatch);
    await restore(compactOf(learner), folder);
    await expect(restore(foreign, folder)).rejects.toMatchObject(mismatch);
    await restore(foreign, folder, { model: { modelId: "b".repeat(64), modelName: "other" } });
  });
});

describe("a saved file", () => {
  it("may carry the line end of a mosquitto_sub without -N, and no other byte", async () => {
    const bytes = encodeSnapshot((await taughtLearner(1)).saveCompact(), aboutOf(await taughtLearner(1)));
    expect(decodeSaved(Buffer.concat([bytes, Buffer.from("\n")])).bytes).toHaveLength(bytes.length);
    const codes = [Buffer.concat([bytes, Buffer.from("x")]), Buffer.concat([bytes, Buffer.from("\n\n")])].map((bad) => {
      try {
        decodeSaved(bad);
        return "none";
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(codes).toEqual(["snapshot/damaged", "snapshot/damaged"]);
    expect(() => decodeSaved(Buffer.from("no snapshot"))).toThrow(/neither a snapshot nor a checkpoint/);
  });
});
