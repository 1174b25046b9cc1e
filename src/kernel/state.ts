/** Numbers of a saved state; Float64 where sums run for years. */
export interface StateArray {
  readonly data: Float32Array | Float64Array | Int32Array;
  readonly shape: readonly number[];
}

/** A learner's whole state, or its compact part: arrays by name, and JSON for the rest. */
export interface LearnerState {
  readonly arrays: Readonly<Record<string, StateArray>>;
  readonly meta: Readonly<Record<string, unknown>>;
}
