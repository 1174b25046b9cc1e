import type { StepInput } from "../../src/backbone/engine.ts";
import type { Model } from "../../src/backbone/model.ts";
import type { Tensor } from "../../src/kernel/tensor.ts";
import { noiseImages, noiseTensor } from "./tiny-model.ts";

export interface NoiseStepOptions {
  readonly batch?: number;
  /** Prompt tokens a sample. */
  readonly tokens?: number;
  /** Selected keys a sample. */
  readonly keys?: number;
  readonly classes?: number;
  /** Spread of the prompts' numbers. */
  readonly promptScale?: number;
}

/** A training step's inputs of seeded noise: one-hot targets, nothing masked. */
export function noiseStep(model: Model, options: NoiseStepOptions = {}): StepInput {
  const { batch = 1, tokens = 4, keys = 2, classes = 5, promptScale = 1 } = options;
  const { width } = model.info;
  const targets: Tensor = { data: new Float32Array(batch * classes), shape: [batch, classes] };
  for (let i = 0; i < batch; i++) targets.data[i * classes + (i % classes)] = 1;
  return {
    images: noiseImages(model, batch),
    prompts: noiseTensor([batch, tokens, width], 21, promptScale),
    queries: noiseTensor([batch, width], 22),
    keys: noiseTensor([batch, keys, width], 23),
    headWeight: noiseTensor([classes, width], 24, 0.2),
    headBias: noiseTensor([classes], 25, 0.2),
    targets,
    logitMask: { data: new Float32Array(batch * classes), shape: [batch, classes] },
    pullWeight: 0.5,
  };
}
