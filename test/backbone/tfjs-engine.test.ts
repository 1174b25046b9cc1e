import { expect, test } from "vitest";
import { createTfjsEngine } from "../../src/backbone/tfjs-engine.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, tinyModel } from "../support/tiny-model.ts";
import { engineContract } from "./engine-contract.ts";

for (const backend of ["wasm", "cpu"] as const) {
  engineContract(`tfjs on ${backend}`, (options) => createTfjsEngine({ ...options, backend }));
}

const model = tinyModel();
test("auto runs the first backend that works and says why those before it do not", async () => {
  const engine = await createTfjsEngine({ model, head: { kind: "linear" } });
  const order = ["node", "wasm", "cpu"];
  const { provider, refused } = engine.provider;
  expect(refused.map((attempt) => attempt.provider)).toEqual(order.slice(0, order.indexOf(provider)));
  expect(refused.every(({ reason }) => reason.length > 0)).toBe(true);
  expect((await engine.query(noiseImages(model, 1))).shape).toEqual([1, model.info.queryWidth]);
  await engine.close();
});

test("engines on different backends run side by side and agree", async () => {
  const options = { model, head: { kind: "linear" } } as const;
  const wasm = await createTfjsEngine({ ...options, backend: "wasm" });
  const cpu = await createTfjsEngine({ ...options, backend: "cpu" });
  const input = noiseStep(model);
  const [a, b] = await Promise.all([wasm.step(input), cpu.step(input)]);
  for (const name of ["prompts", "keys", "headWeight", "headBias"] as const) {
    const [x, y] = [a.gradients[name].data, b.gradients[name].data];
    expect(Math.max(...x.map((value, i) => Math.abs(value - y[i]!)))).toBeLessThan(1e-5);
  }
  await Promise.all([wasm.close(), cpu.close()]);
});

test("a backend that does not start is refused with its code and its reason", async () => {
  const starting = createTfjsEngine({ model, head: { kind: "linear" }, backend: "abacus" as "cpu" });
  await expect(starting).rejects.toMatchObject({
    code: "engine/provider",
    message: expect.stringContaining("abacus: "),
  });
});
