import { z } from "zod";
import type { ErrorCode } from "../kernel/errors.ts";

/** Published on `<camera>/rejected`, QoS 1: what was not taken, and why. */
export const rejectedSchema: z.ZodType<RejectedMessage> = z.strictObject({
  v: z.literal(1),
  code: z.string().describe("room/what, one of the product's error codes"),
  detail: z.string().max(500),
  topic: z.string().max(256).describe("where it came in; cut when longer"),
  frameId: z.string().max(64).optional(),
});

export interface RejectedMessage {
  readonly v: 1;
  readonly code: string;
  readonly detail: string;
  readonly topic: string;
  readonly frameId?: string | undefined;
}

/** Something that was not taken. */
export interface Rejected {
  readonly kind: "rejected";
  /** Null where the camera is not valid or not concerned: then it goes to the node's own topic. */
  readonly camera: string | null;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly topic: string;
  readonly frameId?: string;
  /** Where it is a label that was not taken, and what it says is known. No part of the message. */
  readonly label?: string;
  /** The command whose sender waits for a reply. */
  readonly answer: { readonly name: string; readonly requestId: string | null } | null;
}

/** Cuts what a hostile sender may have made long. */
export function rejected(of: Omit<Rejected, "kind" | "answer"> & Partial<Pick<Rejected, "answer">>): Rejected {
  return {
    ...of,
    kind: "rejected",
    detail: of.detail.slice(0, 500),
    topic: of.topic.slice(0, 256),
    answer: of.answer ?? null,
  };
}

export function rejectedMessage({ code, detail, topic, frameId }: Rejected): RejectedMessage {
  return { v: 1, code, detail, topic, ...(frameId !== undefined && { frameId }) };
}
