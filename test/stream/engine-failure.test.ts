import { describe, expect, it } from "vitest";
import { appError } from "../../src/kernel/errors.ts";
import { box } from "../support/box.ts";
import { fakeLearner, flush, frame, label, memoryJournal } from "../support/fake-stream.ts";

describe.each(["learn", "query"] as const)("an engine that fails in %s", (call) => {
  it.each(["engine/failed", "engine/closed", "model/changed"] as const)(
    "by %s ends the pipeline and costs no label",
    async (code) => {
      const journal = memoryJournal();
      const learner = fakeLearner();
      const broken = Object.defineProperties(Object.create(learner) as typeof learner, {
        [call]: { value: () => Promise.reject(appError(code, "the accelerator is gone")) },
      });
      const first = box({ learner: broken, journal });
      const [one, two] = [label("cam", "1", "bolt"), label("cam", "2", "nut")];
      first.send(one, two);
      await flush();
      first.send(frame("cam", "1"), frame("cam", "2"));
      await flush();
      expect([one.settled, two.settled]).toEqual([1, 1]);
      expect(first.done.error).toMatchObject({ code });
      expect(first.rejected).toEqual([]);
      expect(journal.entries.filter(({ kind }) => kind === "dropped")).toEqual([]);
      first.crash();

      // The process starts again, with an engine that works: what was acknowledged is learned, once.
      journal.dead = false;
      const second = box({ learner: fakeLearner(), journal });
      second.send(frame("cam", "1"), frame("cam", "2"));
      await flush();
      expect(second.learned.map(({ message }) => message.label).toSorted()).toEqual(["bolt", "nut"]);
    },
  );
});

it("a fault of the input alone drops that label, and the pipeline goes on", async () => {
  const b = box();
  b.send(frame("cam", "1", "x", { label: "poison" }), frame("cam", "2", "y", { label: "bolt" }));
  await flush();
  expect(b.rejected.map(({ rejected }) => rejected.code)).toEqual(["pipeline/internal"]);
  expect(b.learned.map(({ message }) => message.label)).toEqual(["bolt"]);
  expect(b.done.error).toBeUndefined();
});
