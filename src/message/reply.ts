import { z } from "zod";

/** Published on `reply/<name>`, QoS 1: what became of a command. */
export interface ReplyMessage {
  readonly v: 1;
  /** The request's own id; null when it gave none. */
  readonly id: string | null;
  readonly ok: boolean;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly result?: Readonly<Record<string, unknown>> | undefined;
}

export const replySchema: z.ZodType<ReplyMessage> = z.strictObject({
  v: z.literal(1),
  id: z.string().nullable(),
  ok: z.boolean(),
  code: z.string().optional().describe("error code when not ok"),
  detail: z.string().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
});
