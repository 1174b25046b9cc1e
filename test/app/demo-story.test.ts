import { expect, it } from "vitest";
import { openBackbone } from "../../src/app/backbone.ts";
import { type DemoScores, demoTally } from "../../src/app/demo-tally.ts";
import { createLearner } from "../../src/learner/learner.ts";
import { stream } from "../../src/learner/presets.ts";
import { createScene } from "../../src/scene/scene.ts";
import { demoSchedule, momentAt } from "../../src/scene/schedule.ts";
import { cleanUps } from "../support/clean-up.ts";

/** As many as two cameras' labels in the demo's minute. */
const labels = 360;
const started = cleanUps();

/** The demo's story without its clock: what it shows must not hang on how fast the machine is. */
async function play(seed: number): Promise<DemoScores> {
  const backbone = started(
    await openBackbone({
      engine: "onnx",
      provider: "cpu",
      threads: 2,
      head: stream.head.kind,
      maxImagePixels: 40_000_000,
    }),
    ({ engine }) => engine.close(),
  );
  const learner = createLearner({ engine: backbone.engine, settings: stream, seed });
  const schedule = demoSchedule(labels);
  const scene = createScene({ seed, schedule });
  const tally = demoTally();
  for (let i = 0; i < labels; i++) {
    const { jpeg, label } = await scene.frame(i);
    const pixels = await backbone.prepare(jpeg);
    const sample = { pixels, query: await learner.query(pixels) };
    const { before } = await learner.learnOne(sample, label);
    const correct = before.label === label;
    tally.add(momentAt(schedule, i).phase.name, { label, correct, correction: false, replayed: false });
  }
  return tally.scores();
}

it("shows within its minute that a box learns, keeps what it learned, and recovers from drift", async () => {
  const { phases, secondHalf, firstLabelsLater } = await play(1);
  const of = Object.fromEntries(phases.map((phase) => [phase.phase, phase]));
  // It learns: four parts, then eight.
  expect(of["day shift"]!.lastThird).toBeGreaterThan(0.8);
  expect(of["new parts"]!.lastThird).toBeGreaterThan(0.8);
  // It keeps: after the night, by day, with nothing new.
  expect(of["day again"]!.accuracy).toBeGreaterThan(0.8);
  expect(firstLabelsLater.accuracy).toBeGreaterThan(0.8);
  // It recovers: from the night that came at once, and from a belt that turned blue.
  expect(of["night shift, dirty lens"]!.lastThird).toBeGreaterThan(0.65);
  expect(of["blue belt"]!.lastThird).toBeGreaterThan(0.8);
  expect(secondHalf.accuracy).toBeGreaterThan(0.8);
});
