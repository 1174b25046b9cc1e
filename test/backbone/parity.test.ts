import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine, HeadKind, StepInput, StepOutput } from "../../src/backbone/engine.ts";
import { loadModel, type Model } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { createTfjsEngine } from "../../src/backbone/tfjs-engine.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { dot, row } from "../../src/kernel/tensor.ts";
import { relativeError } from "../support/graph-check.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";

const trained = ["prompts", "keys", "headWeight", "headBias"] as const;
type Trained = (typeof trained)[number];

const linear: HeadKind = { kind: "linear" };
const cosine: HeadKind = { kind: "cosine", scale: 10 };

/** Two engines on the same model, made before the tests and closed after them. */
function engines(model: () => Model, head: HeadKind): { onnx: () => Engine; tfjs: () => Engine } {
  let pair: [Engine, Engine] | undefined;
  beforeAll(async () => {
    const options = { model: model(), head };
    pair = [await createOnnxEngine({ ...options, provider: "cpu" }), await createTfjsEngine(options)];
  });
  afterAll(async () => {
    for (const engine of pair ?? []) await engine.close();
  });
  return { onnx: () => pair![0], tfjs: () => pair![1] };
}

describe.each([linear, cosine])("the engines agree on a tiny ViT, head $kind:", (head) => {
  const model = tinyModel();
  const { onnx, tfjs } = engines(() => model, head);

  test.each([1, 2, 7, 32])("features within 1e-4, gradients within 1e-3, batch of %s", async (batch) => {
    await expectFeatures(onnx(), tfjs(), model, batch);
    const input = noiseStep(model, { batch, tokens: 6 });
    expectSteps(await onnx().step(input), await tfjs().step(input));
  });

  test("with classes taken out by the mask, and smoothed targets", async () => {
    const input = noiseStep(model, { batch: 3, classes: 4 });
    input.logitMask.data.forEach((_, i) => (input.logitMask.data[i] = i % 4 === 3 ? -1e9 : 0));
    input.targets.data.set([0.9, 0.05, 0.05, 0, 0.05, 0.9, 0.05, 0, 0.05, 0.05, 0.9, 0]);
    expectSteps(await onnx().step(input), await tfjs().step(input));
  });

  test("a key and a prompt of zeros do no harm", async () => {
    const input = noiseStep(model, { batch: 2 });
    input.prompts.data.fill(0, 0, model.info.width);
    input.keys.data.fill(0, 0, model.info.width);
    const [a, b] = [await onnx().step(input), await tfjs().step(input)];
    expectSteps(a, b);
    for (const name of trained) expect(a.gradients[name].data.every(Number.isFinite)).toBe(true);
  });
});

describe.skipIf(sharedData === undefined)(`the engines agree on the real ViT-Tiny (${needsSharedData}):`, () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(sharedPath("models", "vit_tiny_patch16_224", "model.safetensors"));
  });
  const { onnx, tfjs } = engines(() => model, linear);
  // One sample with L2P's usual 25 prompt tokens, of the size that trained ones have.
  const input = (): StepInput => noiseStep(model, { tokens: 25, keys: 5, classes: 10, promptScale: 0.5 });

  test("features within 1e-4, gradients within 1e-3", async () => {
    await expectFeatures(onnx(), tfjs(), model, 1);
    expectSteps(await onnx().step(input()), await tfjs().step(input()));
  }, 240_000);

  test.each(trained)(
    "gradient of %s: 6 sampled coordinates and 2 directions within 1e-2 of central differences",
    async (which) => {
      const { gradients } = await onnx().step(input());
      const analytic = gradients[which].data;
      const rng = createRng(5);
      // The largest of the gradient's numbers: float32 differences of small ones would be noise.
      const largest = [...analytic.keys()]
        .toSorted((a, b) => Math.abs(analytic[b]!) - Math.abs(analytic[a]!))
        .slice(0, 6);
      const directions = [
        ...largest.map((i) => unitVector(analytic.length, i)),
        randomUnit(analytic, rng),
        randomUnit(analytic, rng),
      ];
      const [along, differences]: [number[], number[]] = [[], []];
      for (const direction of directions) {
        along.push(dot(analytic, direction));
        differences.push(await difference(onnx(), input(), which, direction));
      }
      expect(relativeError(along, differences)).toBeLessThan(1e-2);
    },
  );

  test("one session takes batches of 1 to 32, and the same step twice gives the same bits", async () => {
    for (const batch of [1, 32, 3]) expect((await onnx().query(noiseImages(model, batch))).shape).toEqual([batch, 768]);
    const batch = noiseStep(model, { batch: 4, tokens: 25 });
    expect(await onnx().step(batch)).toEqual(await onnx().step(batch));
  });
});

async function expectFeatures(a: Engine, b: Engine, model: Model, batch: number): Promise<void> {
  const images = noiseImages(model, batch);
  const prompts = noiseTensor([batch, 5, model.info.width], 3, 0.5);
  expect(relativeError((await a.query(images)).data, (await b.query(images)).data)).toBeLessThan(1e-4);
  const [prompted, other] = [await a.prompted(images, prompts), await b.prompted(images, prompts)];
  expect(relativeError(prompted.data, other.data)).toBeLessThan(1e-4);
}

function expectSteps(a: StepOutput, b: StepOutput): void {
  for (const name of ["features", "logits", "losses"] as const) {
    expect(a[name].shape).toEqual(b[name].shape);
    expect(relativeError(a[name].data, b[name].data), name).toBeLessThan(1e-4);
  }
  for (const name of trained) {
    expect(a.gradients[name].shape).toEqual(b.gradients[name].shape);
    expect(relativeError(a.gradients[name].data, b.gradients[name].data), name).toBeLessThan(1e-3);
  }
}

/** Of the step's mean loss, along a unit vector, by a step that moves the loss well above float32's noise. */
async function difference(engine: Engine, input: StepInput, which: Trained, direction: Float32Array): Promise<number> {
  const h = 2e-2;
  const lossAt = async (step: number): Promise<number> => {
    const { data, shape } = input[which];
    const moved = { ...input, [which]: { data: data.map((value, i) => value + step * direction[i]!), shape } };
    const { losses } = await engine.step(moved);
    return losses.data[0]! + pull(moved);
  };
  return ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
}

/** λ·Σ(1 − cos) of one sample, in float64. */
function pull({ queries, keys, pullWeight }: StepInput): number {
  let sum = 0;
  for (let k = 0; k < keys.shape[1]!; k++) {
    const [query, key] = [queries.data, row(keys, k)];
    sum += 1 - dot(query, key) / (Math.hypot(...query) * Math.hypot(...key));
  }
  return pullWeight * sum;
}

function unitVector(length: number, at: number): Float32Array {
  const vector = new Float32Array(length);
  vector[at] = 1;
  return vector;
}

/** Half along the gradient, half random: a direction in which the loss does change. */
function randomUnit(gradient: Float32Array, rng: { normal(): number }): Float32Array {
  const noise = gradient.map(() => rng.normal());
  const [size, noiseSize] = [Math.sqrt(dot(gradient, gradient)), Math.sqrt(dot(noise, noise))];
  const mixed = noise.map((value, i) => value / noiseSize + gradient[i]! / size);
  const length = Math.sqrt(dot(mixed, mixed));
  return mixed.map((value) => value / length);
}
