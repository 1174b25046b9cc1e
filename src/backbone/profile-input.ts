import type { BackboneInfo, ImageBatch, StepInput } from "./engine.ts";
import type { Tensor } from "../kernel/tensor.ts";

/** Inputs without content, of the right shapes: what a run on them costs, and where it runs, is what any run does. */
export interface BlankInput {
  readonly images: ImageBatch;
  readonly prompts: Tensor;
  readonly step: StepInput;
}

/** @param tokens T, the prompt tokens of a sample */
export function blankInput({ imageSize, width }: BackboneInfo, count: number, tokens: number): BlankInput {
  const zeros = (...shape: number[]): Tensor => ({
    data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)),
    shape,
  });
  const images = { pixels: new Uint8Array(count * imageSize ** 2 * 3), count };
  const prompts = zeros(count, tokens, width);
  const step: StepInput = {
    images,
    prompts,
    queries: zeros(count, width),
    keys: zeros(count, 1, width),
    headWeight: zeros(2, width),
    headBias: zeros(2),
    targets: zeros(count, 2),
    logitMask: zeros(count, 2),
    pullWeight: 0,
  };
  return { images, prompts, step };
}
