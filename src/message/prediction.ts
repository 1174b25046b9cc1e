import { z } from "zod";

const probability = z.number().min(0).max(1);

/** Published on `<camera>/prediction`, QoS 0. */
export interface PredictionMessage {
  readonly v: 1;
  readonly frameId: string;
  /** Null before the first label was learned. */
  readonly label: string | null;
  readonly confidence: number;
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
  confidence: probability,
  top: z.array(z.tuple([z.string(), probability])).describe("label and probability, likeliest first"),
  promptIds: z.array(z.int().min(0)).describe("selected prompts, most similar first"),
  poolVersion: z.int().min(0).describe("how many batches had been learned"),
  modelId: z.string().describe("sha256 of the backbone's weights"),
  latencyMs: z.number().min(0).describe("from receipt to prediction"),
  capturedAt: z.iso.datetime().nullable().describe("as the sender said it, in UTC; null when it did not"),
});
