import { describe, expect, it } from "vitest";
import { appError } from "../../src/kernel/errors.ts";
import { box } from "../support/box.ts";
import { flush, frame, label, memoryJournal } from "../support/fake-stream.ts";
import { advance, useFakeTime } from "../support/fake-time.ts";

useFakeTime();

describe("settings that change while the pipeline runs", () => {
  it("telemetryMs: the next telemetry comes at the new period", async () => {
    const b = box();
    await advance(10_000);
    expect(b.telemetry).toEqual([]);
    b.change({ telemetryMs: 100 });
    await advance(250);
    expect(b.telemetry).toHaveLength(2);
  });

  it("labelWindowMs: a label waits so long for its frame, and a new frame for its label", async () => {
    const b = box({ settings: { labelWindowMs: 600_000 } });
    b.send(label("cam", "never", "bolt"));
    await advance(60_000);
    expect(b.rejected).toEqual([]);
    b.change({ labelWindowMs: 5000 });
    await advance(2000);
    expect(b.rejected.map(({ rejected }) => rejected.code)).toEqual(["label/unknown-frame"]);
    b.send(frame("cam", "1"));
    await advance(7000);
    b.send(label("cam", "1", "bolt"));
    await flush();
    expect(b.rejected.at(-1)!.rejected.code).toBe("label/late");
  });

  it("learnBatch and learnMaxWaitMs: how many labels an update takes, and how long it waits for them", async () => {
    const b = box();
    const teach = (...ids: string[]): void => b.send(...ids.map((id) => frame("cam", id, id, { label: "bolt" })));
    b.change({ learnMaxWaitMs: 1000, learnBatch: 3 });
    teach("a", "b");
    await advance(900);
    expect(b.learner.history).toEqual([]);
    teach("c", "d");
    await flush();
    expect(b.learner.history.map((batch) => batch.length)).toEqual([3]);
    b.change({ learnMaxWaitMs: 0, learnBatch: 8 });
    teach("e");
    await flush();
    expect(b.learner.history.map((batch) => batch.length)).toEqual([3, 2]);
  });

  it("everyLearned and everyMs: when checkpoints are taken", async () => {
    const b = box({ settings: { snapshotEveryLearned: 0, snapshotEveryMs: 0 } });
    const teach = async (id: string): Promise<void> => {
      b.send(frame("cam", id, id, { label: "bolt" }));
      await flush();
    };
    await teach("a");
    expect(b.snapshots).toEqual([]);
    b.change({ snapshotEveryLearned: 2 });
    await teach("b");
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["learned"]);
    b.change({ snapshotEveryLearned: 0, snapshotEveryMs: 1000 });
    await teach("c");
    await advance(1000);
    expect(b.snapshots.map(({ reason }) => reason)).toEqual(["learned", "interval"]);
  });

  it("maxPendingLabels and maxLabels: what is refused", async () => {
    const b = box();
    b.change({ maxLabels: 1 });
    b.send(frame("cam", "1", "1", { label: "bolt" }), frame("cam", "2", "2", { label: "nut" }));
    await flush();
    expect(b.rejected.map(({ rejected }) => rejected.code)).toEqual(["label/too-many"]);
    b.change({ maxLabels: 2 });
    b.send(label("cam", "2", "nut"));
    await flush();
    expect(b.learned.map(({ message }) => message.label)).toEqual(["bolt", "nut"]);
    b.change({ maxPendingLabels: 1, journalWaitMs: 0 });
    b.send(label("cam", "x", "nut"));
    await flush();
    b.send(label("cam", "y", "nut"));
    await advance(1000);
    expect(b.rejected.at(-1)!.rejected.code).toBe("label/overflow");
  });

  it("whenJournalFull: a label that is held is refused once the policy says so", async () => {
    const journal = memoryJournal();
    let isFull = true;
    const append = journal.append.bind(journal);
    journal.append = (entries) =>
      isFull ? Promise.reject(appError("journal/full", "the journal is full")) : append(entries);
    const b = box({ journal, settings: { whenJournalFull: "hold", journalWaitMs: 100 } });
    b.send(frame("cam", "1"), label("cam", "1", "bolt"));
    await advance(60_000);
    expect(b.rejected).toEqual([]);
    b.change({ whenJournalFull: "reject" });
    await advance(1000);
    expect(b.rejected.map(({ rejected }) => rejected.code)).toEqual(["journal/full"]);
    isFull = false;
  });

  it("parallelFrames: so many cameras' frames are prepared at once", async () => {
    let running = 0;
    let most = 0;
    const prepare = async (bytes: Uint8Array): Promise<Uint8Array> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running -= 1;
      return bytes;
    };
    const b = box({ prepare, settings: { parallelFrames: 1 } });
    const send = (round: string): void => b.send(...["a", "b", "c"].map((cam) => frame(cam, `${cam}${round}`)));
    send("1");
    await advance(100);
    expect(most).toBe(1);
    b.change({ parallelFrames: 3 });
    send("2");
    await advance(100);
    expect(most).toBe(3);
  });

  it("drainMs: what a stop waits for is what holds then", async () => {
    const b = box({ settings: { drainMs: 60_000 } });
    b.send(frame("cam", "1"), label("cam", "other", "bolt"));
    b.change({ drainMs: 100 });
    await flush();
    b.stop();
    await advance(200);
    expect(b.done.completed).toBe(true);
  });
});
