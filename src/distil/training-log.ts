/** One point of the training's curves; what was held out is looked at less often. */
export interface LogEntry {
  readonly step: number;
  readonly seconds: number;
  /** Mean since the last entry. */
  readonly loss: number;
  /** Mean squared distance to the teacher's standardised features. */
  readonly heldOutSquared?: number;
  readonly heldOutCosine?: number;
  /** Nearest-class-mean accuracy on held-out photographs, 0…1. */
  readonly heldOutNearestMean?: number;
}
