import type { LearnerState } from "../kernel/state.ts";
import { appError } from "../kernel/errors.ts";
import type { SnapshotAbout } from "./snapshot-about.ts";
import type { Precision } from "./snapshot-precision.ts";
import { storeRounded } from "./snapshot-precision.ts";
import { decodeState, encodeState } from "./snapshot-state.ts";

/** What a snapshot says about itself. */
export interface SnapshotHeader extends SnapshotAbout {
  readonly precision: Precision;
}

/**
 * Rows of classes bear int8: means are where a statistics head begins, no more (nearest means lose a tenth of a point on
 * CIFAR-100), and a prompted head's rows are directions.
 */
const ofClasses: ReadonlySet<string> = new Set(["classMeans", "headWeight"]);

/**
 * A compact state for the air: one .safetensors file, published retained on `snapshot`. `__metadata__` holds `format`,
 * `version`, `sha256`, `precision` and, as JSON, `about` and `state`. Same input → same bytes.
 * @param compact What `learner.saveCompact()` gives. @throws AppError `snapshot/format` for an `about` that is not right.
 */
export function encodeSnapshot(
  compact: LearnerState,
  about: SnapshotAbout,
  { precision }: { readonly precision: Precision } = { precision: "fp16" },
): Uint8Array {
  const saved = { about, state: compact };
  return encodeState("snapshot", saved, { precision }, (name, array) =>
    storeRounded(name, array, ofClasses.has(name) ? "int8" : precision),
  );
}

/**
 * The state is what was encoded but for rounding; its arrays may share memory with `bytes`. `learner.restore` takes it.
 * @throws AppError `snapshot/damaged`, `snapshot/version`, `snapshot/format`; nothing else, whatever the bytes.
 */
export function decodeSnapshot(bytes: Uint8Array): { readonly header: SnapshotHeader; readonly state: LearnerState } {
  const { about, state, metadata } = decodeState("snapshot", bytes);
  const precision = metadata.get("precision");
  if (precision !== "fp16" && precision !== "int8") throw appError("snapshot/format", "it states no known precision");
  return { header: { ...about, precision }, state };
}
