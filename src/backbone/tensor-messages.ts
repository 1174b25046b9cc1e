import { type Tensor, tensor } from "../kernel/tensor.ts";
import type { BackboneInfo, ImageBatch, StepInput, StepOutput } from "./engine.ts";
import type { TensorMessage, TensorMessages } from "./session-protocol.ts";

// The engine's values as the graphs' inputs and outputs, by their names there. All inputs are copies, to be given away:
// a transferred buffer is lost to the caller.

export function forwardFeeds({ imageSize }: BackboneInfo, images: ImageBatch, prompts?: Tensor): TensorMessages {
  return { pixels: pixelsOf(imageSize, images), ...(prompts && { prompts: copy(prompts) }) };
}

export function stepFeeds({ imageSize }: BackboneInfo, input: StepInput): TensorMessages {
  const { images, prompts, queries, keys, headWeight, headBias, targets, logitMask } = input;
  const tensors = { prompts, queries, keys, headWeight, headBias, targets, logitMask };
  return {
    pixels: pixelsOf(imageSize, images),
    ...Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, copy(value)])),
    pullWeight: { type: "float32", data: Float32Array.of(input.pullWeight), dims: [] },
  };
}

/** What the step's inputs are where no step is taken: no element each. */
export function noStep(width: number): TensorMessages {
  const none = (...dims: number[]): TensorMessage => ({ type: "float32", data: new Float32Array(0), dims });
  return {
    queries: none(0, width),
    keys: none(0, 0, width),
    headWeight: none(0, width),
    headBias: none(0),
    targets: none(0, 0),
    logitMask: none(0, 0),
    pullWeight: { type: "float32", data: Float32Array.of(0), dims: [] },
  };
}

export function toTensor(outputs: TensorMessages, name: string): Tensor {
  const { data, dims } = outputs[name]!;
  return tensor(data as Float32Array, dims);
}

export function toStepOutput(outputs: TensorMessages): StepOutput {
  return {
    features: toTensor(outputs, "features"),
    logits: toTensor(outputs, "logits"),
    losses: toTensor(outputs, "losses"),
    gradients: {
      prompts: toTensor(outputs, "dPrompts"),
      keys: toTensor(outputs, "dKeys"),
      headWeight: toTensor(outputs, "dHeadWeight"),
      headBias: toTensor(outputs, "dHeadBias"),
    },
  };
}

function pixelsOf(imageSize: number, images: ImageBatch): TensorMessage {
  return { type: "uint8", data: Uint8Array.from(images.pixels), dims: [images.count, imageSize, imageSize, 3] };
}

function copy(value: Tensor): TensorMessage {
  return { type: "float32", data: Float32Array.from(value.data), dims: value.shape };
}
