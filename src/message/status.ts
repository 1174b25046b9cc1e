import { z } from "zod";

/** Published on `status`, retained, as plain text; `offline` is the last will. */
export type Status = "warming" | "online" | "stopped" | "offline";

const statusSchema: z.ZodType<Status> = z.enum(["warming", "online", "stopped", "offline"]);

export function decodeStatus(payload: Uint8Array): Status | null {
  return statusSchema.safeParse(new TextDecoder().decode(payload)).data ?? null;
}
