import { expect, test } from "vitest";
import { vitTiny } from "../../src/bench/random-model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { joinSteps, samplesAtOnce, splitStep } from "../../src/backbone/step-parts.ts";
import { noiseStep } from "../support/step-input.ts";
import { tinyArchitecture, tinyModel } from "../support/tiny-model.ts";

test("a small network takes a batch of 32 at once, ViT-B/16 one sample", () => {
  expect(samplesAtOnce(tinyArchitecture, 25)).toBeGreaterThan(32);
  expect(samplesAtOnce({ ...vitTiny, width: 768, heads: 12, mlpWidth: 3072 }, 25)).toBe(1);
});

test.each([1, 2, 4])("a step in parts of %i gives what the whole batch gives", async (size) => {
  const model = tinyModel();
  const input = noiseStep(model, { batch: 5 });
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu", threads: 1 });
  const whole = await engine.step(input);
  const joined = joinSteps(await Promise.all(splitStep(input, size).map((part) => engine.step(part))));
  await engine.close();
  const tensors = (output: typeof whole) => ({
    features: output.features,
    logits: output.logits,
    losses: output.losses,
    ...output.gradients,
  });
  for (const [name, { data, shape }] of Object.entries(tensors(whole))) {
    const other = tensors(joined)[name as keyof ReturnType<typeof tensors>];
    expect(other.shape, name).toEqual(shape);
    other.data.forEach((value, i) => expect(Math.abs(value - data[i]!), name).toBeLessThan(2e-6));
  }
});
