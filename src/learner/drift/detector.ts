/** A change of the mean, as a detector saw it. */
export interface Change {
  /** Mean before it. */
  readonly before: number;
  /** Mean since. */
  readonly after: number;
}

/**
 * Watches the mean of a stream of numbers. After a change it starts anew with the next value, so that one change is told
 * once. The same values give the same changes.
 */
export interface ChangeDetector {
  /** @param value Finite. */
  update(value: number): Change | null;
  /** JSON: a detector made with it goes on as if nothing had happened. */
  save(): DetectorState;
}

/** Numbers of a saved detector, by the detector's own rules. */
export type DetectorState = readonly (readonly number[])[];
