import { describe, expect, it } from "vitest";
import { box } from "../support/box.ts";
import {
  bytesOf,
  fakeLearner,
  flush,
  frame as frameMessage,
  label as labelMessage,
  memoryJournal,
  message,
} from "../support/fake-stream.ts";
import type { JournalEntry } from "../../src/stream/parts.ts";
import { recoverLabels } from "../../src/stream/recover.ts";

const key = (frameId: string, label = "bolt"): { camera: string; frameId: string; label: string } => ({
  camera: "cam",
  frameId,
  label,
});
const label = (frameId: string, image?: string): JournalEntry => ({
  kind: "label",
  ...key(frameId),
  receivedAt: 1,
  ...(image !== undefined && { frame: bytesOf(image) }),
});
const frame = (frameId: string, image: string): JournalEntry => ({
  kind: "frame",
  camera: "cam",
  frameId,
  frame: bytesOf(image),
});
const batch = (poolVersion: number, ...ids: string[]): JournalEntry => ({
  kind: "batch",
  poolVersion,
  labels: ids.map((id) => key(id)),
});
const dropped = (frameId: string): JournalEntry => ({ kind: "dropped", ...key(frameId), code: "label/late" });

const name = ({ key: { frameId }, frame: bytes }: { key: { frameId: string }; frame: Uint8Array | null }): string =>
  `${frameId}:${bytes === null ? "-" : new TextDecoder().decode(bytes)}`;

const read = (entries: readonly JournalEntry[], through = 0): unknown => {
  const { batches, open } = recoverLabels(entries, through);
  return {
    batches: batches.map(({ poolVersion, labels }) => [poolVersion, ...labels.map(name)]),
    open: open.map(name),
  };
};

describe("recoverLabels", () => {
  it.each<[string, readonly JournalEntry[], number, unknown]>([
    ["nothing", [], 0, { batches: [], open: [] }],
    ["a label with its frame", [label("1", "a")], 0, { batches: [], open: ["1:a"] }],
    ["a frame that came later", [label("1"), label("2"), frame("1", "a")], 0, { batches: [], open: ["1:a", "2:-"] }],
    [
      "batches in order",
      [label("1", "a"), label("2", "b"), batch(1, "2"), batch(2, "1")],
      0,
      {
        batches: [
          [1, "2:b"],
          [2, "1:a"],
        ],
        open: [],
      },
    ],
    [
      "batches in the checkpoint",
      [label("1", "a"), label("2", "b"), batch(1, "2"), batch(2, "1")],
      1,
      { batches: [[2, "1:a"]], open: [] },
    ],
    ["what was dropped", [label("1"), dropped("1")], 0, { batches: [], open: [] }],
    [
      "an id with another image",
      [label("1", "a"), batch(1, "1"), label("1", "b")],
      0,
      { batches: [[1, "1:a"]], open: ["1:b"] },
    ],
    [
      "two images of one id",
      [label("1", "a"), label("1", "b"), batch(1, "1")],
      0,
      { batches: [[1, "1:a"]], open: ["1:b"] },
    ],
    [
      "a label written twice",
      [label("1", "a"), label("1", "a"), batch(1, "1")],
      0,
      { batches: [[1, "1:a"]], open: [] },
    ],
    [
      "a batch that failed",
      [label("1", "a"), label("2", "b"), batch(1, "1", "2"), batch(1, "1"), batch(2, "2"), dropped("2")],
      0,
      { batches: [[1, "1:a"]], open: [] },
    ],
    ["labels nobody wrote", [batch(1, "9"), dropped("8")], 0, { batches: [], open: [] }],
  ])("%s", (_name, entries, through, expected) => {
    expect(read(entries, through)).toEqual(expected);
  });

  it.each<[string, readonly JournalEntry[], readonly string[]]>([
    ["dropped", [label("1"), dropped("1"), label("2"), dropped("2")], ["1", "2"]],
    ["dropped and given again", [label("1"), dropped("1"), label("1", "a")], []],
    ["dropped, given again and dropped", [label("1"), dropped("1"), label("1", "a"), dropped("1")], ["1"]],
  ])("tells what was %s", (_name, entries, ids) => {
    expect(recoverLabels(entries, 0).dropped).toEqual(ids.map((id) => key(id)));
  });

  it("takes a label again that a checkpoint remembers, and that was rejected after it", async () => {
    const first = box();
    first.send(labelMessage("cam", "1", "bolt"));
    await flush();
    first.send(message("l2p/box/command/snapshot", bytesOf("{}")));
    await flush();
    const { stream } = first.snapshots.at(-1)!;
    expect(stream.memory).toHaveLength(1);
    const journal = memoryJournal([label("1"), dropped("1")]);
    const second = box({ journal, streamState: JSON.parse(JSON.stringify(stream)) });
    second.send(frameMessage("cam", "1"), labelMessage("cam", "1", "bolt"));
    await flush();
    expect(second.learned.map(({ message: { frameId } }) => frameId)).toEqual(["1"]);
  });

  it("goes on under the journal's numbers when only an older checkpoint can be read", async () => {
    const entries = [label("1", "a"), label("2", "b"), batch(6, "1"), batch(7, "2"), label("3", "c")];
    const b = box({ learner: fakeLearner(), journal: memoryJournal(entries) });
    await flush();
    b.stop();
    await flush();
    expect(b.learner.history.flat()).toEqual(["a=bolt", "b=bolt", "c=bolt"]);
    expect(b.journal.entries.at(-1)).toMatchObject({ kind: "batch", poolVersion: 8 });
    expect(b.logged[0]).toContain("batches 1 to 5");
  });
});
