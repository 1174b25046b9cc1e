import { isAppError, appError } from "../kernel/errors.ts";
import type { LearnerState } from "../kernel/state.ts";
import { decodeCheckpoint } from "../message/checkpoint.ts";
import type { SnapshotAbout } from "../message/snapshot-about.ts";
import type { Precision } from "../message/snapshot-precision.ts";
import { decodeSnapshot } from "../message/snapshot.ts";

/** A compact snapshot or a checkpoint, read and checked. */
export type SavedFile = {
  readonly about: SnapshotAbout;
  readonly state: LearnerState;
  /** What was read: without a line end that did not belong to it. */
  readonly bytes: Uint8Array;
} & (
  | { readonly kind: "snapshot"; readonly precision: Precision }
  | { readonly kind: "checkpoint"; readonly stream: unknown }
);

/**
 * Reads either kind. `mosquitto_sub` without `-N` ends a payload with a line end, which is taken off.
 * @throws AppError `snapshot/damaged`, `snapshot/version`, `snapshot/format`
 */
export function decodeSaved(bytes: Uint8Array): SavedFile {
  try {
    return decodeEither(bytes);
  } catch (error) {
    if (bytes.at(-1) !== lineEnd || !isAppError(error, "snapshot/damaged")) throw error;
    return decodeEither(bytes.subarray(0, -1));
  }
}

const lineEnd = 10;

function decodeEither(bytes: Uint8Array): SavedFile {
  try {
    const { header, state } = decodeSnapshot(bytes);
    const { precision, ...about } = header;
    return { kind: "snapshot", about, state, precision, bytes };
  } catch (error) {
    if (!isAppError(error, "snapshot/format")) throw error;
  }
  try {
    return { kind: "checkpoint", ...decodeCheckpoint(bytes), bytes };
  } catch (cause) {
    if (!isAppError(cause, "snapshot/format")) throw cause;
    throw appError("snapshot/format", `${bytes.length} bytes that are neither a snapshot nor a checkpoint`, { cause });
  }
}
