import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Engine, HeadKind, StepInput, StepOutput } from "../../src/backbone/engine.ts";
import type { Model } from "../../src/backbone/model.ts";
import { dot, row, sizeOf, type Tensor } from "../../src/kernel/tensor.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";

type Trained = keyof StepOutput["gradients"];

const linear: HeadKind = { kind: "linear" };
const cosine: HeadKind = { kind: "cosine", scale: 7 };
const [batch, promptTokens, selected, classes] = [2, 3, 2, 4];

/** What every engine must do, on a tiny random ViT. */
export function engineContract(
  name: string,
  create: (options: { model: Model; head: HeadKind }) => Promise<Engine>,
): void {
  const model = tinyModel();
  const { width, imageSize } = model.info;

  describe(`${name} keeps the engine contract:`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await create({ model, head: linear });
    });
    afterAll(() => engine.close());

    test("it says what it runs and on what", () => {
      expect(engine.info).toEqual(model.info);
      expect(engine.provider.engine).not.toBe("");
      expect(engine.provider.provider).not.toBe("");
    });

    test("a query and a prompted feature are one row of finite numbers an image", async () => {
      const images = noiseImages(model, 3);
      const [query, prompted] = [
        await engine.query(images),
        await engine.prompted(images, noiseTensor([3, 2, width], 3)),
      ];
      expect(query.shape).toEqual([3, model.info.queryWidth]);
      expect(prompted.shape).toEqual([3, width]);
      for (const out of [query, prompted]) {
        expect(out.data).toHaveLength(out.shape[0]! * out.shape[1]!);
        expect(out.data.every(Number.isFinite)).toBe(true);
      }
    });

    test("a batch of 5 gives what 5 batches of 1 give", async () => {
      const images = noiseImages(model, 5);
      const prompts = noiseTensor([5, promptTokens, width], 3);
      const queries = await engine.query(images);
      const prompted = await engine.prompted(images, prompts);
      const [imageBytes, promptNumbers] = [imageSize ** 2 * 3, promptTokens * width];
      for (let i = 0; i < 5; i++) {
        const image = { pixels: images.pixels.slice(i * imageBytes, (i + 1) * imageBytes), count: 1 };
        const own = {
          data: prompts.data.slice(i * promptNumbers, (i + 1) * promptNumbers),
          shape: [1, promptTokens, width],
        };
        expect(relativeError((await engine.query(image)).data, row(queries, i))).toBeLessThan(1e-5);
        expect(relativeError((await engine.prompted(image, own)).data, row(prompted, i))).toBeLessThan(1e-5);
      }
    });

    test("batches of 32, and prompts of 1 and of 50 tokens, run", async () => {
      expect((await engine.query(noiseImages(model, 32))).shape).toEqual([32, model.info.queryWidth]);
      for (const tokens of [1, 50]) {
        const out = await engine.prompted(noiseImages(model, 2), noiseTensor([2, tokens, width], 3));
        expect(out.shape).toEqual([2, width]);
      }
    });

    test("the image matters, the prompts matter, their order does not", async () => {
      const [images, others] = [noiseImages(model, 1, 5), noiseImages(model, 1, 6)];
      const prompts = noiseTensor([1, 2, width], 3);
      const swapped = { ...prompts, data: Float32Array.of(...row(prompts, 1), ...row(prompts, 0)) };
      const base = await engine.prompted(images, prompts);
      const change = async (out: Promise<Tensor>): Promise<number> => relativeError((await out).data, base.data);
      expect(await change(engine.prompted(others, prompts))).toBeGreaterThan(1e-3);
      expect(await change(engine.prompted(images, noiseTensor([1, 2, width], 4)))).toBeGreaterThan(1e-2);
      expect(await change(engine.prompted(images, swapped))).toBeLessThan(1e-5);
      expect(relativeError((await engine.query(images)).data, (await engine.query(others)).data)).toBeGreaterThan(1e-3);
    });

    test("inputs are left untouched", async () => {
      const input = stepInput(model);
      const copy = structuredClone(input);
      await engine.step(input);
      await engine.prompted(input.images, input.prompts);
      await engine.query(input.images);
      expect(input).toEqual(copy);
    });

    test("calls that overlap are answered in order, each with its own answer", async () => {
      const order: number[] = [];
      const images = [1, 2, 3, 4].map((count) => noiseImages(model, count));
      const answers = await Promise.all(
        images.map(async (batchOf, i) => {
          const out = await (i % 2 === 0
            ? engine.query(batchOf)
            : engine.prompted(batchOf, noiseTensor([batchOf.count, 1, width], 1)));
          order.push(i);
          return out.shape[0];
        }),
      );
      expect(order).toEqual([0, 1, 2, 3]);
      expect(answers).toEqual([1, 2, 3, 4]);
    });

    test("inputs that do not fit are refused with a code, and the next call is answered", async () => {
      const images = noiseImages(model, 2);
      const input = stepInput(model);
      const prompts = (shape: number[]): Promise<Tensor> => engine.prompted(images, noiseTensor(shape, 1));
      const refused = [
        () => engine.query({ ...images, count: 3 }),
        () => engine.query({ pixels: new Uint8Array(0), count: 0 }),
        () => engine.query(noiseImages(model, 33)),
        () => prompts([2, 0, width]),
        () => prompts([1, 2, width]),
        () => prompts([2, 2, width + 1]),
        () => engine.step({ ...input, targets: noiseTensor([batch, classes + 1], 1) }),
        () => engine.step({ ...input, headBias: noiseTensor([1], 1) }),
        () => engine.step({ ...input, keys: noiseTensor([batch, width], 1) }),
      ];
      for (const call of refused) await expect(call()).rejects.toMatchObject({ code: "engine/input" });
      expect((await engine.query(images)).shape).toEqual([2, model.info.queryWidth]);
    });

    test("a step's gradient of a batch is the mean over its samples", async () => {
      const input = stepInput(model);
      const whole = await engine.step(input);
      const single = await Promise.all([0, 1].map((i) => engine.step(sampleOf(input, i))));
      const mean = (pick: (out: StepOutput) => Float32Array): Float32Array =>
        pick(single[0]!).map((value, i) => (value + pick(single[1]!)[i]!) / 2);
      expect(
        relativeError(
          whole.gradients.headWeight.data,
          mean((out) => out.gradients.headWeight.data),
        ),
      ).toBeLessThan(1e-4);
      const joined = Float32Array.from(single.flatMap((out) => Array.from(out.gradients.prompts.data, (x) => x / 2)));
      expect(relativeError(whole.gradients.prompts.data, joined)).toBeLessThan(1e-4);
    });

    test("a class that the mask takes out gets no gradient", async () => {
      const { gradients } = await engine.step(stepInput(model));
      expect(gradients.headBias.data[classes - 1]).toBe(0);
      expect(row(gradients.headWeight, classes - 1).every((value) => value === 0)).toBe(true);
      expect(gradients.headBias.data[0]).not.toBe(0);
    });
  });

  describe.each([linear, cosine])(`${name}, training step with head $kind:`, (head) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await create({ model, head });
    });
    afterAll(() => engine.close());

    test("features, logits and losses are what the formula says", async () => {
      const input = stepInput(model);
      const out = await engine.step(input);
      const features = await engine.prompted(input.images, input.prompts);
      expect(out.features.shape).toEqual([batch, width]);
      expect(relativeError(out.features.data, features.data)).toBeLessThan(1e-5);
      expect(out.logits.shape).toEqual([batch, classes]);
      expect(relativeError(out.logits.data, logitsOf(features, input, head))).toBeLessThan(1e-5);
      expect(out.losses.shape).toEqual([batch]);
      expect(relativeError(out.losses.data, crossEntropies(out.logits, input))).toBeLessThan(1e-5);
    });

    test.each(["prompts", "keys", "headWeight", "headBias"] as const)(
      "the gradient of %s agrees with central differences within 1e-2",
      async (which) => {
        const input = stepInput(model);
        const { gradients } = await engine.step(input);
        expect(gradients[which].shape).toEqual(input[which].shape);
        const differences = await centralDifferences(engine, input, which);
        expect(Math.hypot(...differences)).toBeGreaterThan(1e-3);
        expect(relativeError(gradients[which].data, differences)).toBeLessThan(1e-2);
      },
    );
  });

  test(`${name}, when closed, rejects calls, finishes those under way, and may be closed again`, async () => {
    const engine = await create({ model, head: linear });
    const underWay = engine.query(noiseImages(model, 1));
    await engine.close();
    expect((await underWay).shape).toEqual([1, model.info.queryWidth]);
    await expect(engine.query(noiseImages(model, 1))).rejects.toMatchObject({ code: "engine/closed" });
    await expect(engine.step(stepInput(model))).rejects.toMatchObject({ code: "engine/closed" });
    await expect(engine.close()).resolves.toBeUndefined();
  });

  test(`${name} lets the event loop go on while it computes`, async () => {
    const busy = tinyModel({ imageSize: 64, width: 48, mlpWidth: 96 });
    const engine = await create({ model: busy, head: linear });
    const input = noiseStep(busy, { batch: 8 });
    let turns = 0;
    let next = setImmediate(function turn() {
      turns++;
      next = setImmediate(turn);
    });
    // One step is enough, but where this thread got no core for as long as it took.
    for (let steps = 0; steps < 5 && turns <= 20; steps++) {
      turns = 0;
      await engine.step(input);
    }
    clearImmediate(next);
    // On the calling thread it would be none, or the few that promises take.
    expect(turns).toBeGreaterThan(20);
    await engine.close();
  });

  test(`${name} fails with a code when its thread dies, at once and from then on, and can be closed`, async () => {
    const engine = await create({ model, head: linear });
    const post = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker) {
      void this.terminate();
    });
    const underWay = [engine.query(noiseImages(model, 1)), engine.step(stepInput(model))];
    for (const call of underWay) await expect(call).rejects.toMatchObject({ code: "engine/failed" });
    post.mockRestore();
    await expect(engine.query(noiseImages(model, 1))).rejects.toMatchObject({ code: "engine/failed" });
    await expect(engine.close()).resolves.toBeUndefined();
    await expect(engine.query(noiseImages(model, 1))).rejects.toMatchObject({ code: "engine/closed" });
  });
}

/** Two samples, smoothed targets, the last class masked out. */
function stepInput(model: Model): StepInput {
  const { width } = model.info;
  const smooth = [0.9, 0.06, 0.04, 0, 0.1, 0.2, 0.7, 0];
  const masked = [0, 0, 0, -1e9, 0, 0, 0, -1e9];
  return {
    images: noiseImages(model, batch),
    prompts: noiseTensor([batch, promptTokens, width], 11),
    queries: noiseTensor([batch, width], 12),
    keys: noiseTensor([batch, selected, width], 13),
    headWeight: noiseTensor([classes, width], 14, 0.5),
    headBias: noiseTensor([classes], 15, 0.5),
    targets: { data: Float32Array.from(smooth), shape: [batch, classes] },
    logitMask: { data: Float32Array.from(masked), shape: [batch, classes] },
    pullWeight: 0.5,
  };
}

function sampleOf(input: StepInput, i: number): StepInput {
  const part = ({ data, shape }: Tensor): Tensor => {
    const size = sizeOf(shape.slice(1));
    return { data: data.slice(i * size, (i + 1) * size), shape: [1, ...shape.slice(1)] };
  };
  const bytes = input.images.pixels.length / input.images.count;
  return {
    ...input,
    images: { pixels: input.images.pixels.slice(i * bytes, (i + 1) * bytes), count: 1 },
    prompts: part(input.prompts),
    queries: part(input.queries),
    keys: part(input.keys),
    targets: part(input.targets),
    logitMask: part(input.logitMask),
  };
}

async function centralDifferences(engine: Engine, input: StepInput, which: Trained): Promise<number[]> {
  const h = 1e-2;
  const { data, shape } = input[which];
  const lossAt = async (i: number, change: number): Promise<number> => {
    const moved = data.slice();
    moved[i]! += change;
    const at = { ...input, [which]: { data: moved, shape } };
    return meanLoss(await engine.step(at), at);
  };
  const differences: number[] = [];
  for (let i = 0; i < data.length; i++) differences.push(((await lossAt(i, h)) - (await lossAt(i, -h))) / (2 * h));
  return differences;
}

/** Eq. 5, its second term in float64 here: the engine gives the cross-entropies alone. */
function meanLoss({ losses }: StepOutput, input: StepInput): number {
  let sum = 0;
  for (let b = 0; b < batch; b++) {
    sum += losses.data[b]!;
    for (let n = 0; n < selected; n++) {
      sum += input.pullWeight * (1 - cosineOf(row(input.queries, b), row(input.keys, b * selected + n)));
    }
  }
  return sum / batch;
}

function logitsOf(features: Tensor, { headWeight, headBias }: StepInput, head: HeadKind): number[] {
  return Array.from({ length: batch * classes }, (_, i) => {
    const [feature, weight] = [row(features, Math.floor(i / classes)), row(headWeight, i % classes)];
    const score = head.kind === "linear" ? dot(feature, weight) : head.scale * cosineOf(feature, weight);
    return score + headBias.data[i % classes]!;
  });
}

function crossEntropies(logits: Tensor, { logitMask, targets }: StepInput): number[] {
  return Array.from({ length: batch }, (_, b) => {
    const scores = row(logits, b).map((logit, c) => logit + row(logitMask, b)[c]!);
    const largest = Math.max(...scores);
    const logSum = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
    return -scores.reduce((sum, score, c) => sum + row(targets, b)[c]! * (score - logSum), 0);
  });
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / (Math.hypot(...a) * Math.hypot(...b));
}

/** ‖a − b‖ / ‖b‖ */
function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Math.hypot(...Array.from(a, (value, i) => value - b[i]!)) / Math.hypot(...Array.from(b));
}
