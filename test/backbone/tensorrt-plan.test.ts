import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromFixedBatches, toFixedBatches } from "../../src/backbone/fixed-batch.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import type { SessionOptions, TensorMessage, TensorMessages } from "../../src/backbone/session-protocol.ts";
import { forwardFeeds } from "../../src/backbone/tensor-messages.ts";
import { tensorRtPlan } from "../../src/backbone/tensorrt-plan.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";

const model = tinyModel();
const head = { kind: "linear" } as const;
const { width } = model.info;
const own = { threads: 1, prepack: false };
const [batch, tokens] = [2, 3];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-tensorrt-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("TensorRT's plan", () => {
  test("has two forwards of fixed shapes with ONNX Runtime's options, and the step on CUDA", async () => {
    const plan = await tensorRtPlan(model, head, own, { batch, tokens, fp16: true, cacheFolder: folder });
    const [key] = await readdir(folder);
    expect(plan.atStart).toEqual(["query", "prompted"]);
    for (const pass of plan.atStart) {
      const place = join(folder, key!, pass);
      expect(plan.options(pass).providers).toEqual([
        {
          name: "tensorrt",
          deviceId: 0,
          options: {
            trt_fp16_enable: "1",
            trt_engine_cache_enable: "1",
            trt_engine_cache_path: place,
            trt_timing_cache_enable: "1",
            trt_timing_cache_path: place,
          },
        },
        "cuda",
      ]);
    }
    expect(plan.options("step").providers).toEqual(["cuda"]);
  });

  test("without a folder keeps nothing", async () => {
    const plan = await tensorRtPlan(model, head, own, { batch, tokens, fp16: false });
    expect(plan.options("query").providers[0]).toMatchObject({ options: { trt_fp16_enable: "0" } });
    expect(plan.notes).toEqual([]);
    expect(await plan.notesAfter()).toEqual([]);
  });

  test("is told where nothing was kept: a binding that hands no options over must not go unnoticed", async () => {
    const plan = await tensorRtPlan(model, head, own, { batch, tokens, fp16: false, cacheFolder: folder });
    expect(await plan.notesAfter()).toEqual([expect.stringContaining("no engine in the cache")]);
    const [key] = await readdir(folder);
    await mkdir(join(folder, key!, "query"));
    await writeFile(join(folder, key!, "query", "l2p_query_sm87.engine"), "");
    expect(await plan.notesAfter()).toEqual([]);
  });

  test("its engines are others for other prompts, batches and preparations", async () => {
    const keys = new Set<string>();
    const { manifest } = model;
    const darker = { ...model, manifest: { ...manifest, mean: [0.1, 0.1, 0.1] as const } };
    for (const [of, options] of [
      [model, { batch, tokens }],
      [model, { batch, tokens: 4 }],
      [model, { batch: 1, tokens }],
      [darker, { batch, tokens }],
    ] as const) {
      await tensorRtPlan(of, head, own, { ...options, fp16: false, cacheFolder: folder });
      const there = await readdir(folder);
      expect(there).toHaveLength(1);
      keys.add(there[0]!);
    }
    expect(keys.size).toBe(4);
  });

  test("its graphs, run on the CPU, give what the engine gives, for any number of images", async () => {
    const plan = await tensorRtPlan(model, head, own, { batch, tokens, fp16: false });
    const engine = await createOnnxEngine({ model, head, provider: "cpu", threads: 1 });
    const images = noiseImages(model, 5);
    const prompts = noiseTensor([5, tokens, width], 3);

    const query = await runFixed(plan.options("query"), forwardFeeds(model.info, images), 5);
    expect(distance(query["query"]!.data, (await engine.query(images)).data)).toBeLessThan(1e-5);
    const prompted = await runFixed(plan.options("prompted"), forwardFeeds(model.info, images, prompts), 5);
    expect(distance(prompted["features"]!.data, (await engine.prompted(images, prompts)).data)).toBeLessThan(1e-5);
    await engine.close();
  });
});

async function runFixed(options: SessionOptions, feeds: TensorMessages, count: number): Promise<TensorMessages> {
  const session = await InferenceSession.create(options.model);
  const outputs: TensorMessages[] = [];
  for (const call of toFixedBatches(feeds, count, batch)) {
    const inputs = Object.entries(call).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]);
    const results = (await session.run(Object.fromEntries(inputs) as Record<string, Tensor>)) as Record<string, Tensor>;
    const toMessage = ({ data, dims }: Tensor): TensorMessage => ({
      type: "float32",
      data: Float32Array.from(data as Float32Array),
      dims,
    });
    outputs.push(Object.fromEntries(Object.entries(results).map(([name, value]) => [name, toMessage(value)])));
  }
  return fromFixedBatches(outputs, count);
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}
