import { z } from "zod";

const probability = z.number().min(0).max(1);

/** Published on `<camera>/prediction`, QoS 0. */
export interface PredictionMessage {
  readonly v: 1;
  readonly frameId: string;
  /** Null before the first label was learned. */
  readonly label: string | null;
  readonly confidence: number;
  /** Unlike anything learned: `label` is then only what it resembles most. */
  readonly unknown: boolean;
  /** Share of the latest labelled frames of known labels that had looked less novel; null before two labels and such frames. */
  readonly novelty: number | null;
  /** Its label would teach much, and there is budget to ask for it. */
  readonly wantsLabel: boolean;
  readonly top: readonly (readonly [label: string, probability: number])[];
  readonly promptIds: readonly number[];
  readonly poolVersion: number;
  readonly modelId: string;
  readonly latencyMs: number;
  readonly capturedAt: string | null;
}

export const predictionSchema: z.ZodType<PredictionMessage> = z.strictObject({
  v: z.literal(1),
  frameId: z.string().min(1).max(64),
  label: z.string().nullable().describe("null before the first label was learned"),
  confidence: probability.describe("how likely the label is right, as calibrated by the labels so far"),
  unknown: z.boolean().describe("unlike anything learned: the label is only what it resembles most"),
  novelty: probability.nullable().describe("share of the latest labelled frames that looked less novel"),
  wantsLabel: z.boolean().describe("its label would teach much: please send it"),
  top: z
    .array(z.tuple([z.string(), probability]))
    .describe("label and probability, likeliest first; the rest is also for labels never seen"),
  promptIds: z.array(z.int().min(0)).describe("selected prompts, most similar first"),
  poolVersion: z.int().min(0).describe("how many batches had been learned"),
  modelId: z.string().describe("sha256 of the backbone's weights"),
  latencyMs: z.number().min(0).describe("from receipt to prediction"),
  capturedAt: z.iso.datetime().nullable().describe("as the sender said it, in UTC; null when it did not"),
});
