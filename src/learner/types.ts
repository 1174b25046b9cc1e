import type { LearnerState } from "../kernel/state.ts";

export type { LearnerState, StateArray } from "../kernel/state.ts";

/** One image as the learner sees it. The learner never writes to it. */
export interface Sample {
  /** sRGB bytes [imageSize, imageSize, 3]. */
  readonly pixels: Uint8Array;
  /** What `Engine.query` says of it, [F], q(x) first: computed once, for the prediction, and used again for the learning. */
  readonly query: Float32Array;
}

export interface LabelledSample extends Sample {
  readonly label: string;
}

/** The parts whose predictions are combined: L2P's prompted head, and the closed-form head on q(x). */
export type HeadName = "prompted" | "statistics";

export interface Novelty {
  /** 0: in the direction of a known class; 1: at right angles to all of them; at most 2. */
  readonly score: number;
  /** Share of the latest labelled frames of known classes that had looked less novel, 0…1; null before there were any. */
  readonly rank: number | null;
  /** Unlike anything learned. */
  readonly unknown: boolean;
}

export interface Prediction {
  /** The likeliest label; null before the first label was learned. */
  readonly label: string | null;
  /** How likely it is right, 0…1, as calibrated by the labels so far; 0 when `label` is null. */
  readonly confidence: number;
  /** Against all that was learned; null before two classes were, and without a statistics head. */
  readonly novelty: Novelty | null;
  /** The likeliest labels with their probabilities, best first, at most `topLabels`; the rest is also for labels never seen. */
  readonly top: readonly (readonly [label: string, probability: number])[];
  /** The selected prompts, most similar first. */
  readonly promptIds: readonly number[];
  /** How many batches had been learned when this was predicted. */
  readonly poolVersion: number;
  /** What each head alone says; null for one that is switched off, or whose prompts rest. */
  readonly heads: Readonly<Record<HeadName, string | null>>;
}

export interface Learned {
  readonly label: string;
  /** What was predicted for it just before its batch was learned (predict first, then learn). */
  readonly before: Prediction;
  /** The prompted head's cross-entropy before the update, nats; where that head is switched off, the combination's. */
  readonly loss: number;
  /** The version that contains it: one more than before the batch. */
  readonly poolVersion: number;
}

/** How one batch is learned. */
export interface LearnOptions {
  /** Multiplies the gradient steps' learning rate, > 0; 1 without it. A replay must repeat it. */
  readonly plasticity?: number;
}

/**
 * A task-agnostic stream learner: no task ids, no stored samples. One caller at a time: calls must not overlap.
 * Same seed and same sequence of batches → bit-equal state on the same machine.
 */
export interface Learner {
  /** How many batches were learned. */
  readonly poolVersion: number;
  /** Labels in the order they were first seen. */
  readonly labels: readonly string[];
  /** What `Engine.query` says of one image [imageSize, imageSize, 3] → [F]. */
  query(pixels: Uint8Array): Promise<Float32Array>;
  predictOne(sample: Sample): Promise<Prediction>;
  learnOne(sample: Sample, label: string): Promise<Learned>;
  /** One batch, one update. @throws AppError `learner/empty-batch` for no samples. */
  learn(batch: readonly LabelledSample[], options?: LearnOptions): Promise<readonly Learned[]>;
  /** Best cosine of a query [D] to the prompts' keys, −1…1; null before the first label. */
  similarity(query: Float32Array): number | null;
  /** Everything: a learner restored from it goes on as if nothing had happened. Arrays are copies. */
  save(): LearnerState;
  /** For the air: prompts, keys, head, labels, class means and counts, combining weights. */
  saveCompact(): LearnerState;
  /** Takes over a full or a compact state. @throws AppError `learner/state` when it does not fit; nothing is changed then. */
  restore(state: LearnerState): void;
  /** @throws AppError `learner/unknown-label` */
  forgetLabel(label: string): void;
  /** @throws AppError `learner/unknown-label`, `learner/label-taken` */
  renameLabel(from: string, to: string): void;
  telemetry(): LearnerTelemetry;
}

export interface LearnerTelemetry {
  /** How often each prompt was put to use, in learning, and since this process began in predictions, [M]; never while they rest. */
  readonly promptUse: readonly number[];
  /** Samples learned, by label. */
  readonly classCounts: Readonly<Record<string, number>>;
  /** Weight of each head in the combination, summing to 1; the prompted head has none while prompts that do not pay rest. */
  readonly combination: Readonly<Record<HeadName, number>>;
}
