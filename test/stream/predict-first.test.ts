import { expect, it } from "vitest";
import { appError } from "../../src/kernel/errors.ts";
import { box } from "../support/box.ts";
import { fakeLearner, flush, frame, label, prepare } from "../support/fake-stream.ts";

/** Images are prepared when the test lets them, in its order. */
function gate(): { prepare: typeof prepare; open: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  return {
    prepare: async (bytes) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return prepare(bytes);
    },
    async open() {
      for (const go of waiting.splice(0)) go();
      await flush();
    },
  };
}

it("a labelled frame that waits for its turn is learned after its own prediction", async () => {
  const { prepare, open } = gate();
  const b = box({ prepare, settings: { parallelFrames: 1 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }));
  await flush();
  for (let i = 0; i < 6 && b.learned.length === 0; i++) {
    // Whatever is ready may go on: the frame of camera one is still being prepared the first time.
    expect(b.learned).toEqual([]);
    await open();
  }
  expect(b.predictions.map(({ camera }) => camera)).toEqual(["one", "two"]);
  expect(b.predictions.map(({ message }) => message.poolVersion)).toEqual([0, 0]);
  expect(b.learned).toMatchObject([{ camera: "two", message: { label: "bolt", predicted: null, correct: false } }]);
});

it("a labelled frame that a newer one replaced is learned without a prediction", async () => {
  const { prepare, open } = gate();
  const b = box({ prepare, settings: { parallelFrames: 1 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }), frame("two", "2"));
  await flush();
  for (let i = 0; i < 8; i++) await open();
  expect(b.predictions.map(({ message }) => message.frameId)).toEqual(["1", "2"]);
  expect(b.learned).toMatchObject([{ message: { frameId: "1", predicted: null, correct: null } }]);
});

it("a frame that comes again while it waits is learned after both of its predictions", async () => {
  const { prepare, open } = gate();
  const b = box({ prepare, learner: fakeLearner(), settings: { parallelFrames: 1 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }));
  await open();
  b.send(frame("two", "1", "image", { label: "bolt" }));
  for (let i = 0; i < 8; i++) await open();
  expect(b.predictions.map(({ camera, message }) => [camera, message.poolVersion])).toEqual([
    ["one", 0],
    ["two", 0],
    ["two", 0],
  ]);
  expect(b.learned).toHaveLength(1);
});

it("a frame that comes again while it stands in line is learned after the prediction that its place gives it", async () => {
  const { prepare, open } = gate();
  const b = box({ prepare, settings: { parallelFrames: 1 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }));
  await flush();
  b.send(frame("two", "1", "image"));
  await flush();
  expect(b.learned).toEqual([]);
  for (let i = 0; i < 8; i++) await open();
  expect(b.predictions.map(({ message }) => message.poolVersion)).toEqual([0, 0]);
  expect(b.learned).toMatchObject([{ message: { predicted: null, correct: false } }]);
});

it("an engine that fails while a labelled frame waits for its prediction ends the pipeline, and keeps the label", async () => {
  const { prepare, open } = gate();
  const learner = fakeLearner();
  const broken = Object.defineProperties(Object.create(learner) as typeof learner, {
    predictOne: { value: () => Promise.reject(appError("engine/failed", "gone")) },
  });
  const b = box({ prepare, learner: broken, settings: { parallelFrames: 1 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }));
  await flush();
  await open();
  await open();
  expect(b.done.error).toMatchObject({ code: "engine/failed" });
  expect(b.rejected).toEqual([]);
  expect(b.journal.entries.map(({ kind }) => kind)).not.toContain("dropped");
});

it("the window's bounds hold while frames stand in line: what it let go of is still predicted, then learned", async () => {
  const { prepare, open } = gate();
  const b = box({ prepare, settings: { parallelFrames: 1, labelWindowFrames: 2 } });
  b.send(frame("one", "1"), frame("two", "1", "image", { label: "bolt" }));
  b.send(frame("three", "1"), frame("four", "1"));
  await flush();
  const late = label("two", "1", "nut");
  b.send(late);
  for (let i = 0; i < 12; i++) await open();
  expect(b.predictions.map(({ camera }) => camera)).toEqual(["one", "two", "three", "four"]);
  expect(b.learned).toMatchObject([{ message: { label: "bolt", predicted: null, correct: false } }]);
  expect(b.rejected.map(({ rejected }) => rejected.code)).toEqual(["label/late"]);
});
