import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { chooseTrainedOn, createHeldOut } from "../../src/distil/held-out.ts";
import { layoutOf, toWeights } from "../../src/distil/parameters.ts";
import { randomParameters } from "../../src/distil/initialise.ts";
import { embeddedRecipe } from "../../src/distil/recipe.ts";
import { createSamples } from "../../src/distil/samples.ts";
import { saveModel } from "../../src/distil/save-model.ts";
import type { ViewSet } from "../../src/distil/teacher-cache.ts";
import { train, type TrainOptions } from "../../src/distil/train.ts";
import { createTrainingSession } from "../../src/distil/training-session.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { tinyArchitecture } from "../support/tiny-model.ts";

const layout = layoutOf(tinyArchitecture);
const rng = createRng(1);
const count = 24;
/** A teacher that tells brightness: something a student can learn in a few steps. */
const pixels = new Uint8Array(count * 16 * 16 * 3);
const features = new Float32Array(count * 12);
for (let n = 0; n < count; n++) {
  const level = rng.uniform();
  for (let i = 0; i < 768; i++) pixels[n * 768 + i] = 255 * (0.7 * level + 0.3 * rng.uniform());
  for (let d = 0; d < 12; d++) features[n * 12 + d] = (level - 0.5) * (d - 6);
}
const plain: ViewSet = {
  kind: "plain",
  count,
  pixels,
  features,
  tokens: { read: () => new Float32Array(0), close: () => {} },
};
const labels = Array.from({ length: count }, (_, n) => (n % 2 === 0 ? "even" : "odd"));
const heldOut = new Set([0, 1, 2, 3]);
const standardisation = { mean: new Float64Array(12), deviation: new Float64Array(12).fill(1) };
const session = createTrainingSession({
  layout,
  normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  loss: { squared: 1, cosine: 1, whitened: 0, tokens: 0 },
  whitening: new Float32Array(144),
  threads: 1,
});
let folder: string;

function options(name: string, steps: number): TrainOptions {
  return {
    layout,
    session,
    samples: createSamples({
      sets: [plain],
      photographs: chooseTrainedOn(labels, heldOut),
      firstDrawing: plain.count,
      drawingShare: 0,
      standardisation,
      tokenStandardisation: [],
      patches: 4,
      studentSizePx: 16,
      seed: 1,
    }),
    heldOut: createHeldOut({ session, plain, labels, heldOut, standardisation }),
    settings: {
      ...embeddedRecipe({ viewsSeen: 1, seed: 1 }).train,
      steps,
      keptSteps: 10,
      keptSide: 1,
      batchSize: 8,
    },
    start: randomParameters(layout, 1),
    checkpointPath: join(folder, name),
    recipe: "tiny",
    checkpointEverySteps: 7,
    logEverySteps: 5,
    watchEverySteps: 10,
    onLog: () => {},
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-distil-"));
});
afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true });
});

describe("training", () => {
  it("brings the student nearer to the teacher on what it never saw", async () => {
    const { log } = await train(options("learns", 80));
    const watched = log.filter((entry) => entry.heldOutSquared !== undefined);
    expect(watched).toHaveLength(8);
    expect(watched.at(-1)!.heldOutSquared).toBeLessThan(0.7 * watched[0]!.heldOutSquared!);
    expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss);
  });

  it("goes on from its checkpoint bit for bit, wherever it was stopped", async () => {
    const whole = await train(options("whole", 20));
    const stopped = options("stopped", 20);
    const stop = new Error("stopped");
    // Stopped in the middle of a log entry: 15 steps were done, 14 are in the checkpoint.
    const onLog = ({ step }: { step: number }): void => {
      if (step === 15) throw stop;
    };
    await expect(train({ ...stopped, onLog })).rejects.toBe(stop);
    const resumed = await train(stopped);
    expect(resumed.weights).toEqual(whole.weights);
    expect(resumed.optimiser).toEqual(whole.optimiser);
    expect(resumed.log.map(({ step }) => step)).toEqual([5, 10, 15, 20]);
  });

  it("refuses a checkpoint of another recipe", async () => {
    await train(options("other", 5));
    const other = train({ ...options("other", 5), recipe: "another" });
    await expect(other).rejects.toMatchObject({ code: "distil/checkpoint" });
  });
});

describe("a distilled model", () => {
  it("is saved as fp16 that loads by hash, with manifest and curves", async () => {
    const { weights, log } = await train(options("saved", 10));
    const recipe = { ...embeddedRecipe({ viewsSeen: 1, seed: 1 }), architecture: tinyArchitecture };
    const out = join(folder, "model");
    const provenance = { distilledFrom: "teacher", trainedOn: "noise" };
    const manifest = await saveModel(out, layout, weights, { recipe, provenance, log });
    const model = await loadModel(out);
    expect(model.manifest).toEqual(manifest);
    expect(model.manifest.distilledFrom).toBe("teacher");
    for (const [name, { data }] of toWeights(layout, weights)) {
      const stored = model.weights.get(name)!.data;
      expect(Math.max(...data.map((w, i) => Math.abs(w - stored[i]!) / (Math.abs(w) + 1e-4)))).toBeLessThan(1e-3);
    }
    const curves = JSON.parse(await readFile(join(out, "training.json"), "utf8")) as { log: { step: number }[] };
    expect(curves.log.map(({ step }) => step)).toEqual([5, 10]);
  });
});
