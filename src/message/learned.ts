import { z } from "zod";

/** Published on `<camera>/learned`, QoS 1, at least once for a label. */
export interface LearnedMessage {
  readonly v: 1;
  readonly frameId: string;
  readonly label: string;
  readonly predicted: string | null;
  readonly correct: boolean | null;
  readonly loss: number;
  readonly poolVersion: number;
  readonly durable: true;
  readonly correction: boolean;
  readonly replayed: boolean;
}

export const learnedSchema: z.ZodType<LearnedMessage> = z.strictObject({
  v: z.literal(1),
  frameId: z.string().min(1).max(64),
  label: z.string().min(1),
  predicted: z.string().nullable().describe("what was published for that frame; null when nothing or no label was"),
  correct: z.boolean().nullable().describe("predicted equals label; null when no prediction was published"),
  loss: z.number().describe("cross-entropy of the prompted head before the update, nats"),
  poolVersion: z.int().min(1).describe("the first version that contains it"),
  durable: z.literal(true).describe("journal or checkpoint guarantees it"),
  correction: z.boolean().describe("another label had been taken for this frame before"),
  replayed: z.boolean().describe("learned again from the journal after a crash: it may have been published before"),
});
