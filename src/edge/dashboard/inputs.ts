import type { DriftMessage } from "../../message/drift.ts";
import type { LearnedMessage } from "../../message/learned.ts";
import type { PredictionMessage } from "../../message/prediction.ts";
import type { RejectedMessage } from "../../message/rejected.ts";
import type { Status } from "../../message/status.ts";
import type { TelemetryMessage } from "../../message/telemetry.ts";

/** What the page shows of each message: the application hands messages over as they are. */
export type ShownPrediction = Pick<
  PredictionMessage,
  "frameId" | "label" | "confidence" | "unknown" | "wantsLabel" | "top" | "promptIds" | "poolVersion" | "latencyMs"
>;
export type ShownLearned = Pick<
  LearnedMessage,
  "frameId" | "label" | "predicted" | "correct" | "poolVersion" | "correction" | "replayed"
>;
export type ShownDrift = Pick<DriftMessage, "watch" | "camera" | "before" | "after">;
type ShownRejected = Pick<RejectedMessage, "code" | "detail" | "frameId">;
export type ShownTelemetry = Pick<
  TelemetryMessage,
  | "paused"
  | "rates"
  | "totals"
  | "latencyMs"
  | "drops"
  | "rejected"
  | "accuracy"
  | "classCounts"
  | "promptUse"
  | "combination"
  | "waiting"
  | "box"
>;

/** A compact snapshot that was published. */
export interface SnapshotInput {
  readonly version: number;
  readonly sizeBytes: number;
}

/** A checkpoint on disk: what can be gone back to. */
export interface CheckpointInput {
  readonly name: string;
  readonly poolVersion: number;
  readonly sizeBytes: number;
  /** Windowed accuracy when it was written, 0…1. */
  readonly accuracy: number | null;
  readonly reason: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** A mark on the accuracy curve and a line in the log: a phase of the input that began, or a plain remark. */
interface NoteInput {
  readonly kind: "phase" | "note";
  readonly text: string;
}

/** What the dashboard can be told. Telling never waits, and keeps nothing but what the page shows. */
export interface DashboardInputs {
  /** @param image JPEG, PNG or WebP bytes; kept for a few frames, never written to. */
  frame(camera: string, image: Uint8Array, prediction: ShownPrediction): void;
  learned(camera: string, learned: ShownLearned): void;
  rejected(camera: string | null, rejected: ShownRejected): void;
  /** A mark on the curve. */
  drift(drift: ShownDrift): void;
  telemetry(telemetry: ShownTelemetry): void;
  snapshot(snapshot: SnapshotInput): void;
  /** All that are on disk, newest first. */
  checkpoints(checkpoints: readonly CheckpointInput[]): void;
  note(note: NoteInput): void;
  status(status: Status): void;
}
