import type { HeldFrame } from "./frame-window.ts";
import type { ArrivedFrame } from "./outcome.ts";

/** A frame on its way through the mailbox: it is not learned before its prediction is out, or given up. */
export interface ExpectedFrame extends ArrivedFrame {
  /** Called with the prediction as it is made, or with nothing when none will be. */
  readonly predictedBy: (prediction?: Promise<unknown>) => void;
}

/**
 * Predict first, then learn: from now on `frame.predicting` waits for this arrival as well. A prediction that fails
 * lets the frame go too: the failure travels where the prediction does.
 */
export function expectPrediction(arrived: ArrivedFrame, frame: HeldFrame): ExpectedFrame {
  let predictedBy!: ExpectedFrame["predictedBy"];
  const prediction = new Promise<unknown>((resolve) => (predictedBy = resolve));
  const over = (): void => {
    if (frame.predicting === expected) frame.predicting = null;
  };
  const expected: Promise<unknown> = Promise.all([frame.predicting, prediction]).then(over, over);
  frame.predicting = expected;
  return { ...arrived, frame, predictedBy };
}

/**
 * Resolves when the frame may be learned. A frame that came again may have taken its own place in line: what was awaited
 * is then given up, and another prediction is on its way. One that is published is enough: no camera can hold up learning.
 */
export async function predictedFirst(frame: HeldFrame): Promise<void> {
  do await frame.predicting;
  while (frame.predicting !== null && frame.published === null && frame.failure === null);
}
