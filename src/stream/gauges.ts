import type { Learner } from "../learner/types.ts";
import type { PrequentialAccuracy } from "./accuracy.ts";
import type { DriftMonitor } from "./drift.ts";
import type { FrameWindow } from "./frame-window.ts";
import type { LabelBook } from "./label-book.ts";
import type { Gauges } from "./meter.ts";
import type { Journal } from "./parts.ts";

export interface GaugedParts {
  readonly learner: Pick<Learner, "poolVersion" | "telemetry">;
  readonly drift: Pick<DriftMonitor, "plasticity">;
  readonly accuracy: Pick<PrequentialAccuracy, "read">;
  readonly book: Pick<LabelBook, "waiting" | "pending">;
  readonly window: Pick<FrameWindow, "frames" | "bytes">;
  readonly journal: Pick<Journal, "sizeBytes">;
  readonly paused: boolean;
}

/** What telemetry reads of the parts when it is made. */
export function readGauges({ learner, drift, accuracy, book, window, journal, paused }: GaugedParts): Gauges {
  // Only what telemetry's schema has, whatever else a learner may tell.
  const { classCounts, promptUse, combination } = learner.telemetry();
  return {
    classCounts,
    promptUse,
    combination,
    poolVersion: learner.poolVersion,
    paused,
    accuracy: accuracy.read(),
    plasticity: drift.plasticity,
    waiting: {
      labels: book.waiting,
      pending: book.pending,
      windowFrames: window.frames,
      windowBytes: window.bytes,
      journalBytes: journal.sizeBytes,
    },
  };
}
