import { expect, it } from "vitest";
import { box } from "../support/box.ts";
import { fakeLearner, flush, frame, prepare } from "../support/fake-stream.ts";

/** Images are prepared when the test lets them, in its order. */
function gate(): { prepare: typeof prepare; open(): Promise<void> } {
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
