import { describe, expect, it } from "vitest";
import type { JournalEntry } from "../../src/stream/parts.ts";
import { box, type Box } from "../support/box.ts";
import { bytesOf, fakeLearner, flush, memoryJournal, type FakeLearner } from "../support/fake-stream.ts";

const key = (frameId: string, label = "bolt"): { camera: string; frameId: string; label: string } => ({
  camera: "cam",
  frameId,
  label,
});
const label = (frameId: string, text = "bolt", image = `image ${frameId}`): JournalEntry => ({
  kind: "label",
  ...key(frameId, text),
  receivedAt: 1,
  frame: bytesOf(image),
});
const batch = (poolVersion: number, ...labels: readonly ReturnType<typeof key>[]): JournalEntry => ({
  kind: "batch",
  poolVersion,
  labels,
});

/** Learns all but what is labelled `rust`: this run's engine cannot, the last run's could. */
function unlikeTheLast(): FakeLearner {
  const learner = fakeLearner();
  return Object.defineProperties(Object.create(learner) as FakeLearner, {
    learn: {
      value: (samples: Parameters<FakeLearner["learn"]>[0]) =>
        samples.some((sample) => sample.label === "rust")
          ? Promise.reject(new Error("not on this machine"))
          : learner.learn(samples),
    },
  });
}

/** A run on what is on disk, up to its end or until so many appends were made. */
async function run(entries: readonly JournalEntry[], appends = Infinity): Promise<Box> {
  const journal = memoryJournal(entries);
  journal.ticks = () => {
    journal.dead ||= journal.appends.length >= appends;
    return 1;
  };
  const b = box({ learner: unlikeTheLast(), journal });
  await flush();
  b.crash();
  return b;
}

const cases: readonly [string, readonly JournalEntry[], learned: readonly string[], refused: readonly string[]][] = [
  [
    "a batch that cannot be learned as it is, before others",
    [
      label("1"),
      label("2", "rust"),
      label("3"),
      label("4"),
      label("5"),
      label("6"),
      batch(1, key("1"), key("2", "rust"), key("3")),
      batch(2, key("4")),
      batch(3, key("5")),
    ],
    ["image 1=bolt", "image 3=bolt", "image 4=bolt", "image 5=bolt", "image 6=bolt"],
    ["2"],
  ],
  [
    "a batch of one that cannot be learned, before others",
    [label("1"), label("2", "rust"), label("3"), batch(1, key("1")), batch(2, key("2", "rust")), batch(3, key("3"))],
    ["image 1=bolt", "image 3=bolt"],
    ["2"],
  ],
  [
    "a frame that is no image on this machine",
    [label("1"), label("2", "bolt", "not an image"), label("3"), batch(1, key("1"), key("2")), batch(2, key("3"))],
    ["image 1=bolt", "image 3=bolt"],
    ["2"],
  ],
  [
    "a whole batch without images, before a frame under the same id",
    [
      label("1", "bolt", "not an image"),
      batch(1, key("1")),
      label("1", "bolt", "another"),
      label("2"),
      batch(2, key("2")),
    ],
    ["image 2=bolt", "another=bolt"],
    ["1"],
  ],
  [
    "two that cannot be learned",
    [
      label("1", "rust"),
      label("2"),
      label("3", "rust"),
      label("4"),
      label("5"),
      batch(1, key("1", "rust"), key("2")),
      batch(2, key("3", "rust"), key("4")),
      batch(3, key("5")),
    ],
    ["image 2=bolt", "image 4=bolt", "image 5=bolt"],
    ["1", "3"],
  ],
];

describe.each(cases)("a replay with %s", (_name, entries, learned, refused) => {
  it("is repeated bit by bit by the next replay", async () => {
    const first = await run(entries);
    expect(first.learner.history.flat()).toEqual(learned);
    expect(first.rejected.map(({ rejected }) => rejected.frameId)).toEqual(refused);
    const second = await run(first.journal.entries);
    expect(second.learner.history).toEqual(first.learner.history);
    expect(second.learner.fingerprint).toBe(first.learner.fingerprint);
    expect(second.rejected).toEqual([]);
  });

  it("loses no label and learns none twice, wherever it crashes", async () => {
    const { journal } = await run(entries);
    for (let appends = 0; appends <= journal.appends.length; appends++) {
      const crashed = await run(entries, appends);
      const next = await run(crashed.journal.entries);
      expect(next.learner.history.flat().toSorted(), `after ${appends} appends`).toEqual([...learned].toSorted());
      const said = [...crashed.rejected, ...next.rejected].map(({ rejected }) => rejected.frameId);
      expect(new Set(said), `after ${appends} appends`).toEqual(new Set(refused));
      const last = await run(next.journal.entries);
      expect(last.learner.fingerprint, `after ${appends} appends`).toBe(next.learner.fingerprint);
    }
  });
});
