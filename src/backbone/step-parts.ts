import { sizeOf, type Tensor } from "../kernel/tensor.ts";
import { patchCount, type VitArchitecture } from "./architecture.ts";
import type { ImageBatch, StepInput, StepOutput } from "./engine.ts";

/** What the activations of one training step may take, about. */
const activationBytes = 72 * 2 ** 20;

/**
 * How many samples go through the training graph at a time, at least 1. All that the gradient reads again is held until
 * it did: 110 MB a sample of ViT-B/16, and 8 at once gain no time over one after another; 30 MB of ViT-Tiny, and 3 gain
 * none over 2.
 * @param tokens T, the prompt tokens of a sample
 */
export function samplesAtOnce(architecture: VitArchitecture, tokens: number): number {
  const { width, depth, heads, mlpWidth } = architecture;
  const length = 1 + patchCount(architecture) + tokens;
  const block = heads * length ** 2 + length * (6 * width + 2 * mlpWidth);
  return Math.max(1, Math.floor(activationBytes / (4 * depth * block)));
}

/** One image and its prompts at a time. */
export function splitForward(images: ImageBatch, prompts: Tensor): { images: ImageBatch; prompts: Tensor }[] {
  return Array.from({ length: images.count }, (_, i) => ({
    images: imagesOf(images, i, i + 1),
    prompts: samples(prompts, i, i + 1),
  }));
}

/** The batch in parts of at most `size` samples. */
export function splitStep(input: StepInput, size: number): StepInput[] {
  const { count } = input.images;
  if (count <= size) return [input];
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const [from, to] = [i * size, Math.min(count, (i + 1) * size)];
    return {
      ...input,
      images: imagesOf(input.images, from, to),
      prompts: samples(input.prompts, from, to),
      queries: samples(input.queries, from, to),
      keys: samples(input.keys, from, to),
      targets: samples(input.targets, from, to),
      logitMask: samples(input.logitMask, from, to),
    };
  });
}

/** The outputs of the whole batch: the loss is a mean over samples, and so a part counts by how many it has. */
export function joinSteps(outputs: readonly StepOutput[]): StepOutput {
  if (outputs.length === 1) return outputs[0]!;
  const counts = outputs.map(({ losses }) => losses.data.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = counts.map((count) => count / total);
  const rows = (pick: (output: StepOutput) => Tensor): Tensor => joinRows(outputs.map(pick));
  const scaledRows = (pick: (output: StepOutput) => Tensor): Tensor =>
    joinRows(outputs.map((output, i) => scaled(pick(output), shares[i]!)));
  const sum = (pick: (output: StepOutput) => Tensor): Tensor => {
    const parts = outputs.map((output, i) => scaled(pick(output), shares[i]!));
    const data = parts[0]!.data.map((_, at) => parts.reduce((whole, part) => whole + part.data[at]!, 0));
    return { data, shape: parts[0]!.shape };
  };
  return {
    features: rows((output) => output.features),
    logits: rows((output) => output.logits),
    losses: rows((output) => output.losses),
    gradients: {
      prompts: scaledRows(({ gradients }) => gradients.prompts),
      keys: scaledRows(({ gradients }) => gradients.keys),
      headWeight: sum(({ gradients }) => gradients.headWeight),
      headBias: sum(({ gradients }) => gradients.headBias),
    },
  };
}

function imagesOf({ pixels, count }: ImageBatch, from: number, to: number): ImageBatch {
  const perImage = pixels.length / count;
  return { pixels: pixels.subarray(from * perImage, to * perImage), count: to - from };
}

function samples({ data, shape }: Tensor, from: number, to: number): Tensor {
  const perSample = sizeOf(shape.slice(1));
  return { data: data.subarray(from * perSample, to * perSample), shape: [to - from, ...shape.slice(1)] };
}

/** Tensors one after another along their first axis. */
export function joinRows(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  const shape = [parts.reduce((sum, part) => sum + part.shape[0]!, 0), ...parts[0]!.shape.slice(1)];
  const data = new Float32Array(sizeOf(shape));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { data, shape };
}

function scaled({ data, shape }: Tensor, factor: number): Tensor {
  return { data: data.map((value) => value * factor), shape };
}
