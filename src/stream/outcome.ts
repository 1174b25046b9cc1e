import type { Prediction } from "../learner/types.ts";
import type { DriftMessage } from "../message/drift.ts";
import type { LearnedMessage } from "../message/learned.ts";
import type { PredictionMessage } from "../message/prediction.ts";
import { rejected, type Rejected } from "../message/rejected.ts";
import type { ReplyMessage } from "../message/reply.ts";
import { appError, isAppError, type AppError } from "../kernel/errors.ts";
import type { HeldFrame } from "./frame-window.ts";
import type { LabelKey, Log } from "./parts.ts";

export interface Predicted {
  readonly kind: "prediction";
  readonly camera: string;
  /** The frame's encoded bytes, for whoever shows it; not kept. */
  readonly image: Uint8Array;
  readonly message: PredictionMessage;
}

export interface LearnedLabel {
  readonly kind: "learned";
  readonly camera: string;
  readonly message: LearnedMessage;
  /** What was predicted just before the batch was learned. */
  readonly before: Prediction;
  /** From the label's receipt. */
  readonly latencyMs: number;
}

export interface Refused {
  readonly kind: "rejected";
  readonly rejected: Rejected;
  /** To be called when the refusal is out. */
  readonly settle: () => void;
}

/** A message that came again. */
export interface Duplicate {
  readonly kind: "duplicate";
  readonly settle: () => void;
}

export interface Reply {
  readonly kind: "reply";
  readonly name: string;
  readonly message: ReplyMessage;
}

/** A detector's alarm; no message's outcome. */
export interface DriftNotice {
  readonly kind: "drift";
  readonly message: DriftMessage;
}

/** What becomes of what came in. */
export type Outcome = Predicted | LearnedLabel | Refused | Duplicate | Reply;

/**
 * An engine that failed is no fault of the sample: nothing may be dropped for it. It ends the pipeline, so that the process
 * ends and is started again; what was acknowledged is in the journal.
 */
export function rethrowEngineFailure(error: unknown): void {
  if (isAppError(error) && isEngineFailure(error.code)) throw error;
}

/** The engine's own fault, or its weights' (`model/changed`: the file was replaced under it). */
export function isEngineFailure(code: string): boolean {
  return (code.startsWith("engine/") && code !== "engine/input") || code === "model/changed";
}

/** Any error as a coded one, but an engine's failure, which is thrown on: an unexpected one is logged with its cause and becomes `pipeline/internal`. */
export function coded(error: unknown, what: string, log: Log): AppError {
  rethrowEngineFailure(error);
  if (isAppError(error)) return error;
  log("error", `${what} failed unexpectedly`, error);
  return appError("pipeline/internal", `${what} failed`, { cause: error });
}

/** @param of With the label where that is refused, and not the frame. */
export function refuse(
  error: AppError,
  of: Pick<LabelKey, "camera" | "frameId"> & Partial<Pick<LabelKey, "label">>,
  topic: string,
  settle: () => void,
): Refused {
  const { camera, frameId, label } = of;
  const what = { camera, frameId, code: error.code, detail: error.message, topic };
  return {
    kind: "rejected",
    rejected: rejected({ ...what, ...(label !== undefined && { label }) }),
    settle,
  };
}

/** What is kept of the message that something came with. */
export interface Arrival {
  readonly topic: string;
  /** Wall clock, ms since the epoch. */
  readonly receivedAt: number;
  /** Above 0, its sender's broker sends only so many more until it is settled. */
  readonly qos: 0 | 1 | 2;
  readonly settle: () => void;
}

/** A frame, with what hangs on its message. */
export interface ArrivedFrame extends Arrival {
  readonly kind: "frame";
  readonly frame: HeldFrame;
  readonly label: string | null;
  /** Monotonic, ms: of this message, while `frame` may have come before with the same bytes. */
  readonly arrivedMs: number;
}
