import { z } from "zod";
import { aboutFields } from "./snapshot-about.ts";
import type { SnapshotHeader } from "./snapshot.ts";
import { sha256 } from "./snapshot-container.ts";

/** Published on `snapshot/manifest`, retained: what the retained snapshot is, for those who do not want to fetch it. */
export interface ManifestMessage extends SnapshotHeader {
  readonly v: 1;
  readonly sizeBytes: number;
  /** Of the payload on `snapshot`: what `sha256sum` prints. */
  readonly sha256: string;
  readonly labels: readonly string[];
}

export const manifestSchema: z.ZodType<ManifestMessage> = z.strictObject({
  v: z.literal(1),
  ...aboutFields,
  precision: z.enum(["fp16", "int8"]).describe("of prompts, keys, head weights and class means"),
  sizeBytes: z.int().min(0).describe("of the snapshot's payload"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("of the snapshot's payload"),
  labels: z.array(z.string()).describe("in the order they were first seen"),
});

/** @param snapshot The encoded snapshot. */
export function snapshotManifest(
  snapshot: Uint8Array,
  header: SnapshotHeader,
  labels: readonly string[],
): ManifestMessage {
  return { v: 1, ...header, sizeBytes: snapshot.length, sha256: sha256(snapshot), labels };
}
