import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import type { StepInput } from "../../src/backbone/engine.ts";
import { createTfjsEngine } from "../../src/backbone/tfjs-engine.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";
import { engineContract } from "./engine-contract.ts";

for (const backend of ["wasm", "cpu"] as const) {
  engineContract(`tfjs on ${backend}`, (options) => createTfjsEngine({ ...options, backend }));
}

const model = tinyModel();
const { width } = model.info;
const input: StepInput = {
  images: noiseImages(model, 1),
  prompts: noiseTensor([1, 2, width], 1),
  queries: noiseTensor([1, width], 2),
  keys: noiseTensor([1, 1, width], 3),
  headWeight: noiseTensor([2, width], 4),
  headBias: noiseTensor([2], 5),
  targets: { data: Float32Array.of(0, 1), shape: [1, 2] },
  logitMask: { data: new Float32Array(2), shape: [1, 2] },
  pullWeight: 0.1,
};

describe.each(["wasm", "cpu"] as const)("tfjs on %s", (backend) => {
  test("no call leaves a tensor behind, and close takes the weights away", async () => {
    const before = tf.memory().numTensors;
    const engine = await createTfjsEngine({ model, head: { kind: "cosine", scale: 10 }, backend });
    const loaded = tf.memory().numTensors;
    expect(loaded - before).toBe(model.weights.size);
    for (let i = 0; i < 3; i++) {
      await engine.step(input);
      await engine.query(input.images);
      await engine.prompted(input.images, input.prompts);
      expect(tf.memory().numTensors).toBe(loaded);
    }
    await engine.close();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test("auto runs the first backend that works and says why those before it do not", async () => {
  const engine = await createTfjsEngine({ model, head: { kind: "linear" } });
  const order = ["node", "wasm", "cpu"];
  const { provider, refused } = engine.provider;
  expect(refused.map((attempt) => attempt.provider)).toEqual(order.slice(0, order.indexOf(provider)));
  expect(refused.every(({ reason }) => reason.length > 0)).toBe(true);
  expect((await engine.query(input.images)).shape).toEqual([1, width]);
  await engine.close();
});

test("engines on different backends take turns and agree", async () => {
  const options = { model, head: { kind: "linear" } } as const;
  const wasm = await createTfjsEngine({ ...options, backend: "wasm" });
  const cpu = await createTfjsEngine({ ...options, backend: "cpu" });
  const [a, b] = await Promise.all([wasm.step(input), cpu.step(input)]);
  for (const name of ["prompts", "keys", "headWeight", "headBias"] as const) {
    const [x, y] = [a.gradients[name].data, b.gradients[name].data];
    expect(Math.max(...x.map((value, i) => Math.abs(value - y[i]!)))).toBeLessThan(1e-5);
  }
  await Promise.all([wasm.close(), cpu.close()]);
});

test("the process's own way to end on an error is left alone", async () => {
  const engine = await createTfjsEngine({ model, head: { kind: "linear" }, backend: "wasm" });
  const handlers = [...process.listeners("uncaughtException"), ...process.listeners("unhandledRejection")];
  expect(
    handlers.some((handler) => String(handler).includes("ExitStatus") || /throw reason/.test(String(handler))),
  ).toBe(false);
  await engine.close();
});
