import { z } from "zod";

/** Published on `drift`, QoS 1: a detector's alarm. */
export interface DriftMessage {
  readonly v: 1;
  readonly watch: "error" | "similarity";
  readonly camera: string | null;
  readonly before: number;
  readonly after: number;
  readonly poolVersion: number;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export const driftSchema: z.ZodType<DriftMessage> = z.strictObject({
  v: z.literal(1),
  watch: z
    .enum(["error", "similarity"])
    .describe("error: of labelled frames; similarity: of all predicted frames to what was learned, without labels"),
  camera: z.string().nullable().describe("whose frames changed; null for the node's errors"),
  before: z.number().describe("mean error 0 to 1, or mean similarity −1 to 1, before it"),
  after: z.number().describe("the same since"),
  poolVersion: z.int().min(0).describe("batches learned when it was noticed"),
  at: z.iso.datetime(),
});
