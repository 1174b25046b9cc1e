import { z } from "zod";
import type { LearnerState } from "../learner/types.ts";
import type { Accuracies } from "../message/telemetry.ts";
import type { AccuracyState } from "./accuracy.ts";
import { type AskerState, askerStateSchema } from "./ask.ts";
import { type DriftState, driftStateSchema } from "./drift.ts";
import type { RememberedFrame } from "./label-memory.ts";
import type { SnapshotReason } from "./snapshot-policy.ts";

/** What a checkpoint keeps of the stream, beside the learner: JSON. */
export interface StreamState {
  readonly v: 1;
  /** Batches up to this number are contained; it never goes back, not even over a rollback. */
  readonly through: number;
  readonly memory: readonly RememberedFrame[];
  readonly accuracy: AccuracyState;
  /** Learning was paused by command, and stays paused over a restart. */
  readonly paused: boolean;
  /** Absent in checkpoints of earlier versions. */
  readonly asker?: AskerState | undefined;
  /** Absent in checkpoints of earlier versions. */
  readonly drift?: DriftState | undefined;
}

/** Taken between two batches. When its checkpoint is on disk, call `settle`; `journal.cut(through)` may follow. */
export interface Snapshot {
  readonly reason: SnapshotReason;
  /** Everything: `learner.save()`. */
  readonly state: LearnerState;
  /** For the air. */
  readonly compact: LearnerState;
  readonly poolVersion: number;
  readonly labels: readonly string[];
  readonly accuracy: Accuracies;
  readonly stream: StreamState;
  /** For `journal.cut`. */
  readonly through: number;
  /** Its checkpoint is on disk, or, with the reason, was not written: commands wait for that with their replies. Idempotent. */
  readonly settle: (failure?: unknown) => void;
}

const judge = z.object({
  hits: z.number(),
  fadingHits: z.number(),
  recent: z.string(),
  samples: z.number().optional(),
  fadingCount: z.number().optional(),
});
const schema: z.ZodType<StreamState> = z.object({
  v: z.literal(1),
  through: z.int().min(0),
  memory: z.array(z.tuple([z.string(), z.string().nullable(), z.array(z.string())])),
  accuracy: z.object({
    samples: z.int().min(0),
    fadingCount: z.number(),
    judges: z.object({ combined: judge, prompted: judge, statistics: judge }),
  }),
  // Absent in checkpoints of earlier versions, which did not keep it.
  paused: z.boolean().default(false),
  asker: askerStateSchema.optional(),
  drift: driftStateSchema.optional(),
});

/** Null for what is no stream state of this version: then nothing is remembered. */
export function readStreamState(value: unknown): StreamState | null {
  return schema.safeParse(value).data ?? null;
}
