import type { Tensor } from "../kernel/tensor.ts";
import { type Classes, recentCounts } from "./classes.ts";
import type { MaskSettings } from "./settings.ts";

/** Takes a class out of the softmax: e^−10,000 is 0 in float32, and the number still fits float16. */
const maskedOut = -1e4;

/** A class that just left the recent labels is not told apart from one that left long ago. */
const leastShare = 1e-3;

/**
 * Each sample's target distribution over `classes` → [B, C]. Smoothing spreads over the classes that compete: on one that
 * the mask takes out of the softmax, any share of the target would cost 10,000 nats.
 */
export function targetRows(
  classIds: readonly number[],
  classes: number,
  competing: readonly number[],
  labelSmoothing: number,
): Tensor {
  const data = new Float32Array(classIds.length * classes);
  classIds.forEach((c, b) => {
    if (labelSmoothing > 0)
      for (const other of competing) data[b * classes + other] = labelSmoothing / competing.length;
    data[b * classes + c]! += 1 - labelSmoothing;
  });
  return { data, shape: [classIds.length, classes] };
}

/**
 * The classes that compete in a batch's cross-entropy, lowest id first; the batch's own always do.
 * With a single class there is nothing to tell apart: one logit, no gradient for prompts and head, and none is needed.
 * @param classes The batch included.
 */
export function competingClasses(mask: MaskSettings, { lastSeen, samples }: Classes): number[] {
  const all = Array.from(lastSeen, (_, c) => c);
  if (mask.kind === "none") return all;
  const mostRecent = new Set(all.toSorted((a, b) => compare(lastSeen[b]!, lastSeen[a]!)).slice(0, mask.minClasses));
  return all.filter((c) => samples - lastSeen[c]! < mask.samples || mostRecent.has(c));
}

/**
 * What training adds to the logits, [C]: −10,000 for a class that does not compete; for one that does, `priorStrength` times
 * the log of its share of the recent labels (logit adjustment, Menon et al. 2021). With the prior in the softmax, a burst
 * of one label is what was to be expected, and the weights need not learn it; predictions go without it.
 * @param classes The batch included.
 */
export function trainingOffsets(mask: MaskSettings, classes: Classes): Float32Array {
  const offsets = new Float32Array(classes.labels.length).fill(maskedOut);
  const competing = competingClasses(mask, classes);
  if (mask.kind === "none") return offsets.fill(0);
  const counts = recentCounts(classes, mask.samples / 2);
  const total = competing.reduce((sum, c) => sum + counts[c]!, 0);
  for (const c of competing) offsets[c] = mask.priorStrength * Math.log(Math.max(leastShare, counts[c]! / total));
  return offsets;
}

/** Softmax of logits [C] → [C], summing to 1; finite for finite logits of any size. */
export function softmax(logits: Float64Array): Float64Array {
  const log = logSoftmax(logits);
  return log.map((x) => Math.exp(x));
}

/** Log of the softmax, [C]. */
export function logSoftmax(logits: Float64Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, x) => total + Math.exp(x - max), 0);
  return logits.map((x) => x - max - Math.log(sum));
}

/** Index of the largest, the first of equal ones; −1 for none. */
export function argmax(values: ArrayLike<number>): number {
  let best = values.length === 0 ? -1 : 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** As a − b, but two infinities are equal. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
