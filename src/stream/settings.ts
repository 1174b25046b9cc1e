/** Every bound and period of the pipeline. Read at each use: what changes while it runs counts from then on. */
export interface StreamSettings {
  readonly maxFrameBytes: number;
  /** Cameras that may have a frame waiting; beyond, the camera that waits longest loses its frame. */
  readonly maxCameras: number;
  /** Cameras whose frames are decoded and predicted at once; the learner still takes one call at a time. */
  readonly parallelFrames: number;

  /** How long a frame waits for its label, and a label for its frame. */
  readonly labelWindowMs: number;
  readonly labelWindowFrames: number;
  readonly labelWindowBytes: number;
  /** How long a learned frame stays for a correction, at most to the end of its window; 0: it goes at once. */
  readonly correctionWindowMs: number;

  /** Labels on disk that are not learned yet, those without a frame included. */
  readonly maxPendingLabels: number;
  /** Different labels that may ever be learned. */
  readonly maxLabels: number;
  /** Labelled frames that are remembered to know a redelivered label by. */
  readonly dedupeFrames: number;

  /** Samples of one update at most. */
  readonly learnBatch: number;
  /** How long an incomplete batch waits for more; 0 takes what is there. */
  readonly learnMaxWaitMs: number;

  /**
   * What becomes of a label that finds no room on disk for `journalWaitMs` (a checkpoint is asked for meanwhile).
   * `reject`: its sender is told by `rejected`. `hold`: no PUBACK until there is room, so the broker keeps it.
   */
  readonly whenJournalFull: "hold" | "reject";
  readonly journalWaitMs: number;
  readonly journalRetryMs: number;

  /** A checkpoint after so many learned labels; 0: never for this reason. */
  readonly snapshotEveryLearned: number;
  /** A checkpoint after so long, when something was learned; 0: never for this reason. */
  readonly snapshotEveryMs: number;

  /** Labels that predictions ask for in an hour (see `asker`); 0: none. */
  readonly asksPerHour: number;

  readonly telemetryMs: number;
  /** Samples in the windowed accuracy. */
  readonly accuracyWindow: number;
  /** α of the fading accuracy: S = hit + α·S, N = 1 + α·N. */
  readonly accuracyFading: number;

  /** At a stop: how long what waits may still be learned. The rest stays in the journal. */
  readonly drainMs: number;
}

export const defaultStreamSettings: StreamSettings = {
  maxFrameBytes: 8 * 2 ** 20,
  maxCameras: 64,
  parallelFrames: 2,
  labelWindowMs: 10 * 60_000,
  labelWindowFrames: 2000,
  labelWindowBytes: 128 * 2 ** 20,
  correctionWindowMs: 60_000,
  maxPendingLabels: 1000,
  maxLabels: 1000,
  dedupeFrames: 10_000,
  learnBatch: 8,
  learnMaxWaitMs: 0,
  whenJournalFull: "reject",
  journalWaitMs: 5000,
  journalRetryMs: 250,
  snapshotEveryLearned: 100,
  snapshotEveryMs: 5 * 60_000,
  asksPerHour: 60,
  telemetryMs: 5000,
  accuracyWindow: 200,
  accuracyFading: 0.99,
  drainMs: 10_000,
};
