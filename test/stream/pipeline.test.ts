import { describe, expect, it } from "vitest";
import { appError } from "../../src/kernel/errors.ts";
import { prequentialAccuracy } from "../../src/stream/accuracy.ts";
import { readStreamState, type Snapshot } from "../../src/stream/checkpoint.ts";
import { defaultDriftSettings, type DriftSettings } from "../../src/stream/drift.ts";
import { box } from "../support/box.ts";
import {
  bytesOf,
  fakeLearner,
  flush,
  frame,
  label,
  memoryJournal,
  message,
  testTopics,
} from "../support/fake-stream.ts";
import { advance, useFakeTime } from "../support/fake-time.ts";

useFakeTime();

const codes = (of: ReturnType<typeof box>): string[] => of.rejected.map(({ rejected }) => rejected.code);

const command = (name: string, args = {}): ReturnType<typeof message> =>
  message(testTopics.command(name), JSON.stringify({ id: "7", ...args }));

const service = async ({ name }: { name: string }): Promise<Record<string, unknown>> => {
  if (name === "rollback") throw appError("command/failed", "nothing to roll back to");
  if (name === "set") throw new Error("bug");
  return { checkpoint: "12" };
};

/** Notices in a few frames, and doubles back in a label. */
const eagerDrift: DriftSettings = {
  ...defaultDriftSettings,
  similarity: { ...defaultDriftSettings.similarity, frames: 1, warmUp: 4, leastDeviation: 0.01 },
  boost: 3,
  boostLabels: 1,
};

describe("prediction", () => {
  it("publishes one for every frame, with the id the node gave where there was none", async () => {
    const b = box({ nextFrameId: () => "given-1" });
    b.send(message(testTopics.frame("cam"), "x", { capturedAt: "2024-05-01T10:00:00Z" }));
    await flush();
    expect(b.predictions).toMatchObject([
      {
        camera: "cam",
        message: { v: 1, frameId: "given-1", label: null, confidence: 0, modelId: "model", poolVersion: 0 },
      },
    ]);
    expect(b.predictions[0]!.message.capturedAt).toBe("2024-05-01T10:00:00.000Z");
  });

  it("drops all but the newest of a camera, counts them, and settles every frame", async () => {
    const b = box();
    const frames = ["1", "2", "3", "4"].map((id) => frame("cam", id));
    b.send(...frames);
    await flush();
    b.stop();
    await flush();
    expect(b.predictions.map(({ message: { frameId } }) => frameId)).toEqual(["1", "4"]);
    expect(frames.map(({ settled }) => settled)).toEqual([1, 1, 1, 1]);
    expect(b.telemetry.at(-1)).toMatchObject({ totals: { frames: 4 }, drops: { "mailbox/replaced": 2 } });
  });
});

describe("labels", () => {
  it("are learned when they come after their frame, with what was published for it", async () => {
    const b = box();
    const late = label("cam", "1", "bolt");
    b.send(frame("cam", "1"));
    await advance(120_000);
    b.send(late);
    await flush();
    expect(late.settled).toBe(1);
    expect(b.learned[0]!.message).toEqual({
      v: 1,
      frameId: "1",
      label: "bolt",
      predicted: null,
      correct: false,
      loss: 1,
      poolVersion: 1,
      durable: true,
      correction: false,
      replayed: false,
    });
    expect(b.learner.history).toEqual([["image 1=bolt"]]);
  });

  it("are learned when they come before their frame, settled at once", async () => {
    const b = box();
    const early = label("cam", "1", "bolt");
    b.send(early);
    await flush();
    expect([early.settled, b.learned.length]).toEqual([1, 0]);
    const later = frame("cam", "1");
    b.send(later);
    await flush();
    expect(later.settled).toBe(1);
    expect(b.learner.history).toEqual([["image 1=bolt"]]);
    expect(b.journal.entries.map(({ kind }) => kind)).toEqual(["label", "frame", "batch"]);
  });

  it("are learned when they come with their frame, after its prediction", async () => {
    const b = box();
    const both = frame("cam", "1", "x", { label: "bolt" });
    b.send(both);
    await flush();
    expect(both.settled).toBe(1);
    expect(b.learned[0]!.message).toMatchObject({ predicted: null, correct: false });
    expect(b.predictions).toHaveLength(1);
  });

  it("find a frame that the mailbox dropped; nothing was predicted for it", async () => {
    const b = box();
    b.send(frame("cam", "1"), frame("cam", "2"), frame("cam", "3"), label("cam", "2", "bolt"));
    await flush();
    expect(b.learned[0]!.message).toMatchObject({ frameId: "2", predicted: null, correct: null });
  });

  it("are on disk before they are settled", async () => {
    const b = box();
    const one = label("cam", "1", "bolt");
    const same = label("cam", "1", "bolt");
    b.send(frame("cam", "1"), one, same);
    expect([one.settled, same.settled, b.journal.entries.length]).toEqual([0, 0, 0]);
    await flush();
    expect(b.journal.entries[0]).toMatchObject({ kind: "label", label: "bolt", frame: bytesOf("image 1") });
    expect([one.settled, same.settled]).toEqual([1, 1]);
  });

  it("share an append while the disk is busy", async () => {
    const b = box({ settings: { learnMaxWaitMs: 1000 } });
    b.send(...["1", "2", "3", "4"].map((id) => label("cam", id, "bolt")));
    await flush();
    expect(b.journal.appends).toEqual([1, 3]);
  });

  it("share a batch while one is learned", async () => {
    const b = box({ settings: { learnBatch: 3 } });
    const ids = ["1", "2", "3", "4", "5", "6"];
    b.send(...ids.map((id) => frame("cam", id)), ...ids.map((id) => label("cam", id, "bolt")));
    await flush();
    expect(b.learner.history.flat()).toEqual(ids.map((id) => `image ${id}=bolt`));
    expect(b.learner.history.length).toBeLessThan(6);
    expect(Math.max(...b.learner.history.map((batch) => batch.length))).toBe(3);
  });

  it("are known when they come again, and not learned twice", async () => {
    const b = box();
    const again = [label("cam", "1", "bolt"), label("cam", "1", "bolt"), label("cam", "1", "bolt")];
    b.send(frame("cam", "1"), again[0]!, again[1]!);
    await flush();
    b.send(again[2]!, frame("cam", "1", "image 1", { label: "bolt" }));
    await flush();
    expect(b.learner.history).toEqual([["image 1=bolt"]]);
    expect(again.map(({ settled }) => settled)).toEqual([1, 1, 1]);
  });

  it("correct an earlier one while the frame is held", async () => {
    const b = box({ settings: { correctionWindowMs: 1000 } });
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    b.send(label("cam", "1", "screw"));
    await advance(2000);
    b.send(label("cam", "1", "nut"));
    await flush();
    expect(b.learned.map(({ message: { label: text, correction } }) => [text, correction])).toEqual([
      ["bolt", false],
      ["screw", true],
    ]);
    expect(codes(b)).toEqual(["label/late"]);
  });

  it("let go of a frame at once where no correction may come", async () => {
    const b = box({ settings: { correctionWindowMs: 0 } });
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    b.stop();
    await flush();
    expect(b.telemetry.at(-1)).toMatchObject({ waiting: { windowFrames: 0, windowBytes: 0 }, drops: {} });
  });

  it("belong to the newest frame of an id", async () => {
    const b = box();
    b.send(frame("cam", "1", "old"), label("cam", "1", "bolt"));
    await flush();
    b.send(frame("cam", "1", "new"), label("cam", "1", "bolt"));
    await flush();
    expect(b.learner.history).toEqual([["old=bolt"], ["new=bolt"]]);
    expect(b.learned.map(({ message: { correction } }) => correction)).toEqual([false, false]);
  });
});

describe("what is rejected", () => {
  it("a label whose frame never comes, at the end of the window", async () => {
    const b = box({ settings: { labelWindowMs: 5000 } });
    const lone = label("cam", "1", "bolt");
    b.send(lone);
    await advance(4000);
    expect(codes(b)).toEqual([]);
    await advance(3000);
    expect(b.rejected[0]!.rejected).toMatchObject({ code: "label/unknown-frame", camera: "cam", frameId: "1" });
    expect(b.journal.entries.at(-1)).toMatchObject({ kind: "dropped", label: "bolt", code: "label/unknown-frame" });
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    expect(b.learned).toHaveLength(1);
  });

  it("a label for a frame that left the window by count or bytes", async () => {
    const b = box({ settings: { labelWindowFrames: 2, labelWindowBytes: 14 } });
    b.send(frame("cam", "1"), frame("cam", "2"), frame("cam", "3"));
    const late = label("cam", "1", "bolt");
    b.send(late, label("cam", "3", "bolt"));
    await flush();
    b.send(frame("cam", "4", "seventeen bytes!!"));
    b.stop();
    await flush();
    expect(codes(b)).toEqual(["label/late"]);
    expect(late.settled).toBe(1);
    expect(b.learner.history).toEqual([["image 3=bolt"]]);
    expect(b.telemetry.at(-1)!.drops).toMatchObject({ "window/count": 2, "window/bytes": 1 });
  });

  it("a frame that is no image, and labels for it", async () => {
    const b = box();
    b.send(frame("cam", "1", "not an image", { label: "bolt" }));
    await flush();
    b.send(label("cam", "1", "nut"), frame("cam", "2"));
    await flush();
    expect(codes(b)).toEqual(["frame/empty", "frame/empty", "frame/empty"]);
    expect(b.predictions.map(({ message: { frameId } }) => frameId)).toEqual(["2"]);
    expect(b.learned).toEqual([]);
  });

  it.each([
    ["frame/empty", () => frame("cam", "1", "")],
    ["frame/too-large", () => frame("cam", "1", "x".repeat(101))],
    ["label/empty", () => label("cam", "1", "")],
    ["label/too-long", () => label("cam", "1", "x".repeat(10_000))],
    ["label/not-utf8", () => message(testTopics.label("cam", "1"), Uint8Array.of(255))],
    ["topic/bad-id", () => message("l2p/box/a b/frame", "x")],
    ["topic/unknown", () => message("nowhere", "x")],
    ["command/unknown", () => message(testTopics.command("dance"), "{}")],
  ])("at its door: %s", async (code, bad) => {
    const b = box({ settings: { maxFrameBytes: 100 } });
    const sent = bad();
    b.send(sent);
    expect([codes(b), sent.settled]).toEqual([[code], 1]);
    b.send(frame("cam", "2"));
    await flush();
    expect(b.predictions).toHaveLength(1);
  });

  it("one label too many", async () => {
    const b = box({ settings: { maxLabels: 2 } });
    b.send(frame("cam", "1"), ...["a", "b", "c", "a"].map((text) => label("cam", "1", text)));
    await flush();
    expect(codes(b)).toEqual(["label/too-many"]);
    expect(b.learner.labels).toEqual(["a", "b"]);
  });

  it("the one sample that cannot be learned, not its batch", async () => {
    const b = box({ settings: { learnMaxWaitMs: 10 } });
    b.send(...["1", "2", "3"].map((id) => frame("cam", id)));
    b.send(label("cam", "1", "bolt"), label("cam", "2", "poison"), label("cam", "3", "nut"));
    await advance(20);
    expect(codes(b)).toEqual(["pipeline/internal"]);
    expect(b.learner.history).toEqual([["image 1=bolt"], ["image 3=nut"]]);
    const again = box({ learner: fakeLearner(), journal: memoryJournal(b.journal.entries) });
    await advance(20);
    expect(again.learner.history).toEqual(b.learner.history);
  });
});

describe("a full journal", () => {
  it("tells the sender after a while, and asks for a checkpoint", async () => {
    const b = box();
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    b.journal.capacity = 2;
    const refused = label("cam", "2", "nut");
    b.send(refused);
    await advance(1000);
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["journal"]);
    expect(refused.settled).toBe(0);
    await advance(10_000);
    expect([codes(b), refused.settled]).toEqual([["journal/full"], 1]);
  });

  it("takes the label when the checkpoint has made room", async () => {
    const b = box();
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    b.journal.capacity = 2;
    const held = label("cam", "2", "nut");
    b.send(held);
    await flush();
    await b.journal.cut(b.snapshots[0]!.through);
    await advance(1000);
    expect([held.settled, codes(b)]).toEqual([1, []]);
  });

  it("holds the label without end where told to", async () => {
    const b = box({ journal: Object.assign(memoryJournal(), { capacity: 0 }), settings: { whenJournalFull: "hold" } });
    const held = label("cam", "1", "bolt");
    b.send(held);
    await advance(600_000);
    expect([held.settled, codes(b)]).toEqual([0, []]);
    b.journal.capacity = 9;
    await advance(1000);
    expect(held.settled).toBe(1);
  });

  it("bounds labels that wait to be learned", async () => {
    const b = box({ settings: { maxPendingLabels: 2 } });
    const all = ["1", "2", "3"].map((id) => label("cam", id, "bolt"));
    b.send(...all.slice(0, 2));
    await flush();
    b.send(all[2]!);
    await advance(10_000);
    expect(codes(b)).toEqual(["label/overflow"]);
    b.send(frame("cam", "1"), frame("cam", "2"));
    await advance(10_000);
    b.send(label("cam", "3", "bolt"));
    await flush();
    expect(b.journal.entries.filter(({ kind }) => kind === "label")).toHaveLength(3);
  });
});

describe("commands", () => {
  it("pause and resume learning; labels are taken meanwhile", async () => {
    const b = box();
    const one = label("cam", "1", "bolt");
    b.send(command("pause-learning"), frame("cam", "1"));
    await flush();
    b.send(one);
    await flush();
    expect([one.settled, b.learned.length, b.predictions.length]).toEqual([1, 0, 1]);
    b.send(command("resume-learning"));
    await flush();
    expect(b.learned).toHaveLength(1);
    expect(b.replies.map(({ name, message: { id, ok } }) => [name, id, ok])).toEqual([
      ["pause-learning", "7", true],
      ["resume-learning", "7", true],
    ]);
  });

  it.each([
    ["rename-label", { from: "bolt", to: "screw" }],
    ["forget-label", { label: "bolt" }],
  ])("%s settles a label that comes again while the first is on disk and waits", async (name, given) => {
    const b = box();
    const first = label("cam", "2", "bolt");
    b.send(frame("cam", "1"), label("cam", "1", "bolt"), first);
    await flush();
    b.send(command(name, given));
    await flush();
    const again = label("cam", "2", "bolt");
    b.send(again);
    await flush();
    expect([first.settled, again.settled]).toEqual([1, 1]);
  });

  it("forget a label, so that it can be given again", async () => {
    const b = box();
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    b.send(command("forget-label", { label: "bolt" }), command("forget-label", { label: "bolt" }));
    await flush();
    b.send(label("cam", "1", "bolt"));
    await flush();
    expect(b.replies.map(({ message: { ok, code } }) => [ok, code])).toEqual([
      [true, undefined],
      [false, "learner/unknown-label"],
    ]);
    expect(b.learned).toHaveLength(2);
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["command"]);
  });

  it("are answered when a checkpoint that was taken after them is on disk", async () => {
    const written: Snapshot[] = [];
    const b = box({ service, save: (snapshot) => void written.push(snapshot), settings: { snapshotEveryLearned: 1 } });
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    expect(written.map(({ reason }) => reason)).toEqual(["learned"]);
    b.send(
      command("rename-label", { from: "bolt", to: "screw" }),
      command("pause-learning"),
      command("restore"),
      command("forget-label", { label: "screw" }),
    );
    await flush();
    // The one that was taken before does not hold the new name.
    written.shift()!.settle();
    await flush();
    expect(b.replies).toEqual([]);
    for (const [i, name] of ["rename-label", "pause-learning", "restore", "forget-label"].entries()) {
      expect(written.map(({ reason }) => reason)).toEqual(["command"]);
      written.shift()!.settle();
      await flush();
      expect(b.replies[i]).toMatchObject({ name, message: { ok: true } });
      expect(b.replies).toHaveLength(i + 1);
    }
    expect(b.snapshots.map(({ labels, stream: { paused } }) => [labels, paused])).toEqual([
      [["bolt"], false],
      [["screw"], false],
      [["screw"], true],
      [["screw"], true],
      [[], true],
    ]);
  });

  it("say so when no checkpoint was written, and the next ones are tried again", async () => {
    const full = appError("store/io", "no space left on device");
    let error: unknown = full;
    const b = box({ save: (snapshot) => snapshot.settle(error) });
    b.send(command("pause-learning"));
    await flush();
    const { code, detail } = b.replies[0]!.message;
    expect([code, detail]).toEqual(["command/not-durable", expect.stringContaining("store/io: no space left")]);
    error = undefined;
    b.send(command("snapshot"));
    await flush();
    expect(b.replies[1]!.message.ok).toBe(true);
    expect(b.snapshots.at(-1)!.stream.paused).toBe(true);
  });

  it("say so when the learner could not be saved", async () => {
    const learner = fakeLearner();
    const b = box({ learner: Object.assign(learner, { save: () => expect.fail("a bug") }) });
    b.send(command("pause-learning"), command("resume-learning"));
    await flush();
    expect(b.replies.map(({ message }) => message.code)).toEqual(["command/not-durable", "command/not-durable"]);
  });

  it("do not hold up a stop when the disk never answers", async () => {
    const b = box({ save: () => {}, settings: { drainMs: 1000 } });
    b.send(command("pause-learning"), command("snapshot"));
    await flush();
    b.stop();
    await advance(1000);
    expect([b.replies, b.done.completed]).toEqual([[], true]);
    expect(b.snapshots.map(({ reason, stream }) => [reason, stream.paused])).toEqual([
      ["command", true],
      ["stop", true],
    ]);
  });

  it("keep learning paused over a restart; what was learned before is replayed all the same", async () => {
    const first = box();
    first.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    first.send(command("pause-learning"));
    await flush();
    const { stream } = first.snapshots.at(-1)!;
    first.send(frame("cam", "2"), label("cam", "2", "nut"));
    await flush();
    first.crash();

    // The checkpoint's learner is not taken over here, so that there is a batch to replay.
    const streamState = { ...JSON.parse(JSON.stringify(stream)), through: 0 };
    const second = box({ journal: memoryJournal(first.journal.entries), streamState, settings: { telemetryMs: 1000 } });
    await advance(1000);
    expect(second.learner.history).toEqual([["image 1=bolt"]]);
    expect(second.telemetry.at(-1)).toMatchObject({ paused: true, waiting: { pending: 1 } });
    expect(second.logged.join()).toContain("paused");
    second.send(command("resume-learning"));
    await flush();
    expect(second.learner.history).toEqual([["image 1=bolt"], ["image 2=nut"]]);
    expect(second.snapshots.at(-1)!.stream.paused).toBe(false);
  });

  it("find no pause in a checkpoint of an earlier version, which is read all the same", () => {
    const { paused, ...older } = readStreamState({
      v: 1,
      through: 3,
      memory: [],
      accuracy: prequentialAccuracy({ accuracyWindow: 1, accuracyFading: 1 }).save(),
      paused: true,
    })!;
    expect(paused).toBe(true);
    expect(readStreamState(older)).toEqual({ ...older, paused: false });
  });

  it("go to the service where it serves them, and are answered where they fail", async () => {
    const b = box({ service });
    b.send(
      command("restore"),
      command("rollback"),
      command("set", { key: "k", value: 1 }),
      command("snapshot", { no: 1 }),
    );
    await flush();
    expect(b.replies.map(({ name, message: { ok, code } }) => [name, ok, code])).toEqual([
      ["snapshot", false, "command/bad-arguments"],
      ["restore", true, undefined],
      ["rollback", false, "command/failed"],
      ["set", false, "command/failed"],
    ]);
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["command"]);
  });
});

describe("snapshots and telemetry", () => {
  it("come by policy, between batches, with all that a checkpoint needs", async () => {
    const b = box({ settings: { snapshotEveryLearned: 2 }, drift: eagerDrift });
    b.send(frame("cam", "1"), frame("cam", "2"), label("cam", "1", "bolt"), label("cam", "2", "nut"));
    await flush();
    for (let id = 10; id < 30; id++) {
      b.send(frame("other", `${id}`, id < 27 ? "picture" : "another picture, of a different length"));
      await flush();
    }
    b.stop();
    await flush();
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["learned", "drift", "stop"]);
    const last = b.snapshots.at(-1)!;
    expect(last).toMatchObject({ poolVersion: b.learner.poolVersion, through: b.learner.poolVersion });
    expect(JSON.parse(JSON.stringify(last.stream))).toEqual(last.stream);
    expect(last.stream.memory.map(([id, , labels]) => [id, labels])).toEqual([
      ["cam/1", ["bolt"]],
      ["cam/2", ["nut"]],
    ]);
    expect(last.accuracy.samples).toBe(2);
    expect(b.telemetry.at(-1)!.totals).toMatchObject({ learned: 2, driftSignals: 1 });
    expect(b.done.completed).toBe(true);
  });

  it("tell what was measured every telemetryMs", async () => {
    const b = box({ settings: { telemetryMs: 1000 } });
    b.send(frame("cam", "1"));
    await advance(1000);
    b.send(label("cam", "1", "bolt"), label("cam", "1", "bolt"));
    await advance(1000);
    expect(b.telemetry.map(({ rates }) => [rates.framesPerSecond, rates.learnedPerSecond])).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(b.telemetry[1]).toMatchObject({ poolVersion: 1, paused: false, totals: { learned: 1 }, rejected: {} });
  });
});

describe("a clean stop", () => {
  it("learns what waits, takes a last snapshot and completes", async () => {
    const b = box({ settings: { learnBatch: 1 } });
    const ids = ["1", "2", "3", "4"];
    b.send(...ids.map((id) => frame("cam", id)), ...ids.map((id) => label("cam", id, "bolt")));
    b.stop();
    await flush();
    expect(b.learner.history).toHaveLength(4);
    expect(b.snapshots.map(({ reason, poolVersion }) => [reason, poolVersion])).toEqual([["stop", 4]]);
    expect(b.done.completed).toBe(true);
  });

  it("leaves to the journal what cannot be learned in time", async () => {
    const learner = fakeLearner();
    const slow: typeof learner = Object.assign(Object.create(learner) as typeof learner, {
      learn: async (batch: Parameters<typeof learner.learn>[0]) => {
        await new Promise((resolve) => setTimeout(resolve, 4000));
        return learner.learn(batch);
      },
    });
    const b = box({ learner: slow, settings: { learnBatch: 1, drainMs: 10_000 } });
    const ids = ["1", "2", "3", "4", "5"];
    b.send(...ids.map((id) => frame("cam", id)), ...ids.map((id) => label("cam", id, "bolt")));
    await flush();
    b.stop();
    await advance(60_000);
    expect([b.learner.poolVersion, b.done.completed]).toEqual([3, true]);
    await b.journal.cut(b.snapshots.at(-1)!.through);
    expect(b.journal.entries.map((entry) => "frameId" in entry && entry.frameId)).toEqual(["4", "5"]);
  });

  it("does not wait for paused learning, nor for a disk without room", async () => {
    const b = box({ journal: Object.assign(memoryJournal(), { capacity: 1 }), settings: { whenJournalFull: "hold" } });
    b.send(message(testTopics.command("pause-learning"), "{}"), frame("cam", "1"));
    const held = label("cam", "1", "nut");
    b.send(label("cam", "1", "bolt"), held);
    await flush();
    b.stop();
    await advance(10_000);
    expect([b.done.completed, b.learned.length, held.settled]).toEqual([true, 0, 0]);
  });
});

describe("drift", () => {
  const isLate = (id: number): boolean => id > 40;
  const picture = (id: number): string =>
    isLate(id) ? `another picture, of a different length: ${id}` : `image ${id}`;

  it("is told with its camera, counted, kept by a snapshot, and makes the learner plastic for a while", async () => {
    const b = box({ drift: eagerDrift });
    b.send(frame("a", "0"), label("a", "0", "bolt"));
    await flush();
    for (let id = 1; id <= 46; id++) {
      b.send(frame("a", `${id}`, picture(id)), frame("b", `${id}`));
      await flush();
    }
    expect(b.drifts.map(({ message: { watch, camera, poolVersion } }) => ({ watch, camera, poolVersion }))).toEqual([
      { watch: "similarity", camera: "a", poolVersion: 1 },
    ]);
    b.send(label("a", "41", "bolt"));
    await flush();
    b.send(label("a", "42", "bolt"));
    await flush();
    expect(b.learner.history.map(([one]) => one!.replace(/.*=/, ""))).toEqual(["bolt", "bolt ×3", "bolt ×2"]);
    expect(b.journal.entries.filter(({ kind }) => kind === "batch").map((entry) => "plasticity" in entry)).toEqual([
      false,
      true,
      true,
    ]);
    b.stop();
    await flush();
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["drift", "stop"]);
    expect(b.telemetry.at(-1)).toMatchObject({ totals: { driftSignals: 1 }, drift: { error: 0, similarity: 1 } });
    expect(readStreamState(JSON.parse(JSON.stringify(b.snapshots.at(-1)!.stream)))!.drift).toBeDefined();
  });

  it("a replay learns with the plasticity that was written, though it saw no frame that drifted", async () => {
    const b = box({ drift: eagerDrift });
    b.send(frame("a", "0"), label("a", "0", "bolt"));
    await flush();
    for (let id = 1; id <= 46; id++) {
      b.send(frame("a", `${id}`, picture(id)));
      await flush();
    }
    for (const id of ["41", "42", "43"]) {
      b.send(label("a", id, "bolt"));
      await flush();
    }
    b.crash();
    const again = box({ drift: eagerDrift, journal: memoryJournal(b.journal.entries) });
    await flush();
    expect(again.learner.fingerprint).toBe(b.learner.fingerprint);
    expect(again.drifts).toEqual([]);
    const next = (of: typeof b): string => of.learner.history.at(-1)![0]!.replace(/.*=/, "");
    again.send(frame("a", "50"), label("a", "50", "bolt"));
    await flush();
    // 1 + 2 · 2^−3
    expect(next(again)).toBe("bolt ×1.25");
  });
});
