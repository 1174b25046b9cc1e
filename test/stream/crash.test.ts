import { describe, expect, it, vi } from "vitest";
import { createRng, shuffled, type Rng } from "../../src/kernel/rng.ts";
import type { Snapshot } from "../../src/stream/checkpoint.ts";
import { box, type Box } from "../support/box.ts";
import {
  fakeLearner,
  flush,
  frame,
  label,
  memoryJournal,
  message,
  testTopics,
  type TestMessage,
} from "../support/fake-stream.ts";
import { useFakeTime } from "../support/fake-time.ts";

useFakeTime();

const ticks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

/** Frames and labels in any order: early, late, with the frame, twice, corrected, without a frame, of no image. */
function traffic(rng: Rng): TestMessage[] {
  const messages: TestMessage[] = [];
  for (let i = 0; i < 24; i++) {
    const camera = `cam${rng.int(2)}`;
    const id = `f${i}`;
    const text = rng.int(12) === 0 ? "poison" : `label${rng.int(3)}`;
    const image = rng.int(10) === 0 ? `not an image ${id}` : `image ${camera} ${id}`;
    const kind = rng.int(5);
    if (kind === 0) messages.push(frame(camera, id, image, { label: text }));
    if (kind === 1) messages.push(label(camera, id, text));
    if (kind >= 2) messages.push(frame(camera, id, image), label(camera, id, text));
    if (kind === 3) messages.push(label(camera, id, text));
    if (kind === 4) messages.push(label(camera, id, "corrected"));
  }
  return shuffled(messages, rng);
}

function copy(of: TestMessage): TestMessage {
  return message(of.topic, of.payload, Object.fromEntries(of.properties));
}

interface Disk {
  checkpoint: Snapshot | null;
  journal: ReturnType<typeof memoryJournal>;
}

/** Starts on what is on disk, as the service does. */
function start(disk: Disk, rng: Rng): Box {
  const started = box({
    learner: fakeLearner(disk.checkpoint?.state),
    journal: disk.journal,
    streamState: disk.checkpoint === null ? null : JSON.parse(JSON.stringify(disk.checkpoint.stream)),
    settings: { snapshotEveryLearned: 1 + rng.int(6), learnBatch: 1 + rng.int(4), labelWindowMs: 60_000 },
  });
  return started;
}

/** Writes each snapshot after a while, then cuts the journal after another, unless the power is off. */
async function writeCheckpoints(running: Box, disk: Disk, rng: Rng, from: number): Promise<number> {
  for (const snapshot of running.snapshots.slice(from)) {
    await ticks(rng.int(4));
    if (disk.journal.dead) break;
    disk.checkpoint = snapshot;
    await ticks(rng.int(4));
    if (disk.journal.dead) break;
    if (rng.int(3) > 0) await disk.journal.cut(snapshot.through);
  }
  return running.snapshots.length;
}

describe("power off at any time", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "seed %i: nothing settled is lost, nothing learned twice",
    async (seed) => {
      const rng = createRng(seed);
      const messages = traffic(rng);
      const disk: Disk = { checkpoint: null, journal: memoryJournal() };
      const runs: Box[] = [];
      let unsettled = [...messages];
      let resent: TestMessage[] = [];

      for (let run = 0; run < 6; run++) {
        const last = run === 5;
        const running = start(disk, rng);
        runs.push(running);
        // The broker sends again what was not settled; the last run gets everything.
        const sent = [...resent, ...(last ? unsettled : unsettled.slice(0, 1 + rng.int(unsettled.length + 1)))];
        disk.journal.ticks = () => rng.int(12);
        let written = 0;
        for (const each of sent) {
          running.send(each);
          await ticks(rng.int(12));
          written = await writeCheckpoints(running, disk, rng, written);
        }
        await ticks(rng.int(30));
        if (last) {
          await flush();
          await vi.advanceTimersByTimeAsync(70_000);
          running.stop();
          await flush();
          await writeCheckpoints(running, disk, rng, written);
        } else {
          running.crash();
          await flush();
          disk.journal = memoryJournal(disk.journal.entries);
        }
        // Some acknowledgements were lost on their way: their messages come again.
        const unacknowledged = messages.filter((each) => each.settled > 0 && rng.int(4) === 0);
        unsettled = unsettled.filter((each) => each.settled === 0);
        resent = last ? [] : unacknowledged.map(copy);
      }

      const { history } = runs.at(-1)!.learner;
      const learned = history.flat();
      const rejections = runs.flatMap(({ rejected }) =>
        rejected.map(({ rejected: { camera, frameId } }) => `${camera} ${frameId}`),
      );

      expect(runs.map(({ done }) => done.completed)).toEqual([false, false, false, false, false, true]);
      expect(unsettled).toEqual([]);
      expect(new Set(learned).size, "learned twice").toBe(learned.length);
      for (const each of messages) {
        const [, , camera, kind, id] = each.topic.split("/");
        const text = kind === "label" ? new TextDecoder().decode(each.payload) : each.properties.get("label");
        const isLearned = learned.includes(`image ${camera} ${id}=${text}`);
        expect(text === undefined || isLearned || rejections.includes(`${camera} ${id}`), `${each.topic} ${text}`).toBe(
          true,
        );
      }
      // What was published stays true: the same samples in the same batch, whatever was replayed.
      for (const { camera, message } of runs.flatMap((run) => run.learned)) {
        expect(history[message.poolVersion - 1]).toContain(`image ${camera} ${message.frameId}=${message.label}`);
      }
      expect(runs.flatMap(({ logged }) => logged.filter((text) => text.startsWith("batches ")))).toEqual([]);

      // A restart after a clean stop continues as if it had not happened.
      const again = start({ checkpoint: disk.checkpoint, journal: memoryJournal(disk.journal.entries) }, rng);
      await flush();
      expect(again.learner.fingerprint).toBe(runs.at(-1)!.learner.fingerprint);
      expect(again.learned).toEqual([]);
      again.crash();
    },
  );
});

describe("recovery", () => {
  it("learns the same batches again, and says that it did", async () => {
    const first = box({ settings: { learnMaxWaitMs: 10 } });
    first.send(...["1", "2", "3"].map((id) => frame("cam", id)));
    first.send(...["1", "2", "3"].map((id) => label("cam", id, "bolt")));
    await flush();
    await vi.advanceTimersByTimeAsync(20);
    await flush();
    first.send(label("cam", "9", "nut"));
    await flush();
    first.crash();
    expect(first.learner.history).toHaveLength(1);

    const journal = memoryJournal(first.journal.entries);
    const second = box({ journal });
    await flush();
    expect(second.learner.fingerprint).toBe(first.learner.fingerprint);
    expect(second.learned.map(({ message: { replayed, poolVersion } }) => [replayed, poolVersion])).toEqual([
      [true, 1],
      [true, 1],
      [true, 1],
    ]);
    const again = label("cam", "1", "bolt");
    second.send(again, frame("cam", "9"));
    await flush();
    expect(again.settled).toBe(1);
    expect(second.learner.history.slice(1)).toEqual([["image 9=nut"]]);
  });

  it("goes on after a rollback, and does not undo it", async () => {
    let learner = fakeLearner();
    const first = box({ learner, service: async () => (learner.restore(fakeLearner().save()), {}) });
    first.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await flush();
    first.send(message(testTopics.command("rollback"), "{}"));
    await flush();
    const checkpoint = first.snapshots.at(-1)!;
    expect([checkpoint.poolVersion, checkpoint.through]).toEqual([0, 1]);
    first.send(frame("cam", "2"), label("cam", "2", "nut"));
    await flush();
    first.crash();
    expect(learner.history).toEqual([["image 2=nut"]]);

    // The journal was not cut: the power went off between checkpoint and cut.
    learner = fakeLearner(checkpoint.state);
    const second = box({ learner, journal: memoryJournal(first.journal.entries), streamState: checkpoint.stream });
    await flush();
    expect(second.learner.history).toEqual([["image 2=nut"]]);
  });
});
