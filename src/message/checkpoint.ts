import type { LearnerState } from "../kernel/state.ts";
import type { SnapshotAbout } from "./snapshot-about.ts";
import { decodeState, encodeState, jsonOf, storeExactly } from "./snapshot-state.ts";

/** Everything a restart needs to go on as if it had not happened. */
export interface Checkpoint {
  readonly about: SnapshotAbout;
  /** What `learner.save()` gives. */
  readonly state: LearnerState;
  /** The stream's own part, JSON; it checks it itself. */
  readonly stream: unknown;
}

/** The snapshot's container at full precision, every number bit by bit. @throws AppError `snapshot/format` for an `about` that is not right. */
export function encodeCheckpoint({ about, state, stream }: Checkpoint): Uint8Array {
  return encodeState("checkpoint", { about, state }, { stream: JSON.stringify(stream ?? null) }, storeExactly);
}

/**
 * The state's arrays may share memory with `bytes`.
 * @throws AppError `snapshot/damaged`, `snapshot/version`, `snapshot/format`; nothing else, whatever the bytes.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { about, state, metadata } = decodeState("checkpoint", bytes);
  return { about, state, stream: jsonOf(metadata, "stream") };
}
