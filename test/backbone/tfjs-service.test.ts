import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { createTfjsService, type TfjsService } from "../../src/backbone/tfjs-service.ts";
import { noiseStep } from "../support/step-input.ts";
import { tinyModel } from "../support/tiny-model.ts";

const model = tinyModel();
const { architecture, weights, manifest: normalisation } = model;

async function loaded(backend: "wasm" | "cpu"): Promise<TfjsService> {
  const service = createTfjsService();
  const head = { kind: "cosine", scale: 10 } as const;
  await service.load({ architecture, normalisation, weights, head, backends: [backend] });
  return service;
}

// On this thread, to look into TensorFlow.js itself.
describe.each(["wasm", "cpu"] as const)("tfjs on %s", (backend) => {
  test("no call leaves a tensor behind, and release takes the weights away", async () => {
    const service = await loaded(backend);
    const input = noiseStep(model);
    expect(tf.memory().numTensors).toBe(weights.size);
    for (let i = 0; i < 3; i++) {
      service.step(input);
      service.query(input.images);
      service.prompted(input.images, input.prompts);
      expect(tf.memory().numTensors).toBe(weights.size);
    }
    service.release();
    expect(tf.memory().numTensors).toBe(0);
  });

  test("what it gives may be transferred: nothing else stands on it", async () => {
    const service = await loaded(backend);
    const input = noiseStep(model, { batch: 2 });
    const first = service.step(input);
    const { features, logits, losses, gradients } = first;
    const tensors = [features, logits, losses, ...Object.values(gradients)];
    const copy = structuredClone(first);
    const buffers = tensors.map(({ data }) => data.buffer as ArrayBuffer);
    expect(new Set(buffers).size).toBe(tensors.length);
    structuredClone(first, { transfer: buffers });
    expect(features.data).toHaveLength(0);
    expect(service.step(input)).toEqual(copy);
    service.release();
  });

  test("before a model is loaded and after its release, calls fail with a code", async () => {
    const service = createTfjsService();
    const { images } = noiseStep(model);
    expect(() => service.query(images)).toThrow(expect.objectContaining({ code: "engine/failed" }));
    const other = await loaded(backend);
    other.release();
    expect(() => other.query(images)).toThrow(expect.objectContaining({ code: "engine/failed" }));
  });
});

test("the process's own way to end on an error is left alone", async () => {
  const service = await loaded("wasm");
  const handlers = [...process.listeners("uncaughtException"), ...process.listeners("unhandledRejection")];
  expect(
    handlers.some((handler) => String(handler).includes("ExitStatus") || /throw reason/.test(String(handler))),
  ).toBe(false);
  service.release();
});
