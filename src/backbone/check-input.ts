import { appError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import type { BackboneInfo, ImageBatch, StepInput } from "./engine.ts";

/** Largest batch that an engine takes. */
const maxBatch = 32;

/** @throws AppError `engine/input` unless 1…32 images of the backbone's size are given. */
export function checkImages({ imageSize }: BackboneInfo, { pixels, count }: ImageBatch): void {
  if (!Number.isInteger(count) || count < 1 || count > maxBatch) {
    throw appError("engine/input", `a batch of ${count} images; 1 to ${maxBatch} are possible`);
  }
  if (pixels.length !== count * imageSize * imageSize * 3) {
    throw appError("engine/input", `${pixels.length} bytes are not ${count} images [${imageSize},${imageSize},3]`);
  }
}

/** @throws AppError `engine/input` unless `prompts` is [B, T, D] with T ≥ 1. */
export function checkPrompts(info: BackboneInfo, images: ImageBatch, prompts: Tensor): void {
  checkImages(info, images);
  checkShape("prompts", prompts, [images.count, atLeastOne(prompts, 1), info.width]);
}

/** @throws AppError `engine/input` unless every shape is as `StepInput` says, with N ≥ 1 and C ≥ 1. */
export function checkStep(info: BackboneInfo, input: StepInput): void {
  checkPrompts(info, input.images, input.prompts);
  const { count } = input.images;
  const classes = atLeastOne(input.headWeight, 0);
  checkShape("queries", input.queries, [count, info.width]);
  checkShape("keys", input.keys, [count, atLeastOne(input.keys, 1), info.width]);
  checkShape("headWeight", input.headWeight, [classes, info.width]);
  checkShape("headBias", input.headBias, [classes]);
  checkShape("targets", input.targets, [count, classes]);
  checkShape("logitMask", input.logitMask, [count, classes]);
}

function atLeastOne({ shape }: Tensor, axis: number): number {
  return Math.max(1, shape[axis] ?? 1);
}

function checkShape(name: string, { shape }: Tensor, expected: readonly number[]): void {
  if (shape.join() !== expected.join()) {
    throw appError("engine/input", `${name} is [${shape.join()}], should be [${expected.join()}]`);
  }
}
