import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomParameters } from "../../src/distil/initialise.ts";
import { layoutOf } from "../../src/distil/parameters.ts";
import { createTrainingSession, type TrainingSession } from "../../src/distil/training-session.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { tinyArchitecture } from "../support/tiny-model.ts";

/** Deep enough for one block whose tokens are taught. */
const architecture = { ...tinyArchitecture, depth: 4 };
const layout = layoutOf(architecture);
const { imageSize, patchSize, width } = architecture;
const rng = createRng(5);
const count = 3;
const batch = {
  pixels: Uint8Array.from({ length: count * imageSize ** 2 * 3 }, () => rng.int(256)),
  targets: Float32Array.from({ length: count * width }, () => rng.normal()),
  tokens: [Float32Array.from({ length: count * (imageSize / patchSize) ** 2 * width }, () => rng.normal())],
  count,
};
/** Louder than at the start of a training, so that no gradient is all but nothing. */
const weights = randomParameters(layout, 1).map((w) => w + 0.2 * rng.normal());
const terms = { squared: 1, cosine: 0.7, whitened: 0.3, tokens: 0.9 };

describe("the training step's weight gradients", () => {
  let session: TrainingSession;
  const gradients = new Float32Array(layout.size);

  beforeAll(async () => {
    session = createTrainingSession({
      layout,
      normalisation: { mean: [0.5, 0.45, 0.4], std: [0.5, 0.4, 0.3] },
      loss: terms,
      whitening: Float32Array.from({ length: width * width }, () => 0.5 * rng.normal()),
      threads: 1,
    });
    await session.step(weights, batch, gradients);
  });
  afterAll(() => session.close());

  const lossAt = (shifted: Float32Array): Promise<number> =>
    session.step(shifted, batch, new Float32Array(layout.size));

  it.each(layout.parameters)("of $name agrees with central differences", async ({ offset, size }) => {
    const direction = new Float32Array(layout.size);
    for (let i = offset; i < offset + size; i++) direction[i] = rng.normal() / Math.sqrt(size);
    const h = 0.01;
    const at = (sign: number): Promise<number> => lossAt(weights.map((w, i) => w + sign * h * direction[i]!));
    const difference = ((await at(1)) - (await at(-1))) / (2 * h);
    const slope = direction.reduce((sum, d, i) => sum + d * gradients[i]!, 0);
    const length = Math.hypot(...gradients.subarray(offset, offset + size)) / Math.sqrt(size);
    expect(Math.abs(difference - slope)).toBeLessThan(1e-2 * Math.max(length, Math.abs(slope)) + 1e-4);
  });

  it("is not nothing for any parameter", () => {
    const silent = layout.parameters.filter(
      ({ offset, size }) => Math.hypot(...gradients.subarray(offset, offset + size)) < 1e-4,
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("falls along the gradient", async () => {
    const before = await lossAt(weights);
    const after = await lossAt(weights.map((w, i) => w - 0.002 * gradients[i]!));
    expect(after).toBeLessThan(before);
  });
});
