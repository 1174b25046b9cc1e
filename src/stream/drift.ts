import { z } from "zod";
import { adwinDefaults } from "../learner/drift/adwin.ts";
import type { Change } from "../learner/drift/detector.ts";
import { pageHinkleyDefaults } from "../learner/drift/page-hinkley.ts";
import {
  type DetectorSettings,
  errorWatch,
  type SimilaritySettings,
  similarityWatch,
  type Watch,
  type WatchState,
} from "../learner/drift/watch.ts";

/** When the world counts as changed, and what follows. */
export interface DriftSettings {
  /** On the errors of labelled frames: one detector for the node, because labels are few and all cameras share the learner. */
  readonly error: DetectorSettings;
  /** On the similarity of predicted frames to the prompts' keys: one a camera, because a lens or a lamp is one camera's. */
  readonly similarity: SimilaritySettings;
  /** What a drift multiplies the learning rate by, ≥ 1; 1: nothing. */
  readonly boost: number;
  /** Labels after which half of the boost is gone, ≥ 1. */
  readonly boostLabels: number;
}

/** A detector's alarm. */
export interface Drift {
  readonly watch: "error" | "similarity";
  /** Null for all of the node. */
  readonly camera: string | null;
  /** Mean error (0…1) or mean similarity (−1…1) before it, and since. */
  readonly before: number;
  readonly after: number;
}

/** What a checkpoint keeps of it. */
export interface DriftState {
  readonly errors: WatchState;
  readonly cameras: readonly (readonly [camera: string, WatchState])[];
  /** Plasticity above 1. */
  readonly excess: number;
}

const watchState: z.ZodType<WatchState> = z.record(z.string(), z.array(z.array(z.number())));
export const driftStateSchema: z.ZodType<DriftState> = z.object({
  errors: watchState,
  cameras: z.array(z.tuple([z.string(), watchState])),
  excess: z.number().min(0),
});

export interface DriftMonitor {
  /** A frame was predicted. @param similarity Null before the first label. */
  predicted(camera: string, similarity: number | null): void;
  /** A label told whether the prediction just before its learning was right. @param replayed Then nothing is told: it was, before. */
  judged(isRight: boolean, replayed: boolean): void;
  /** For the next batch: what multiplies the learning rate. */
  readonly plasticity: number;
  /** A batch was learned with that plasticity. @param replayed Then what follows goes on from there. */
  learned(labels: number, plasticity: number, replayed: boolean): void;
  save(): DriftState;
}

export interface DriftMonitorOptions {
  /** Undefined: nothing is watched. */
  readonly settings: DriftSettings | undefined;
  /** Cameras that are watched; beyond, the one that came first is forgotten. */
  readonly maxCameras: () => number;
  readonly tell: (drift: Drift) => void;
  readonly saved?: DriftState | undefined;
}

/**
 * Chosen by measurement. Errors: one false alarm in a million labels of a steady stream at most every few, 39–55 labels until
 * three more frames in ten being wrong are noticed. Similarity: one false alarm in four million independent frames.
 */
export const defaultDriftSettings: DriftSettings = {
  error: {
    detector: "adwin",
    // Labels are few and dear: looked at often, and with MOA's δ of 0.002 the same step takes half as long again.
    adwin: { ...adwinDefaults, delta: 0.05, clock: 8 },
    pageHinkley: { ...pageHinkleyDefaults, delta: 0.1, threshold: 15 },
  },
  similarity: {
    detector: "page-hinkley",
    // In deviations of a value from what is usual.
    pageHinkley: { delta: 0.5, threshold: 10, alpha: 1, minSamples: 1 },
    adwin: { ...adwinDefaults, clock: 1 },
    frames: 4,
    warmUp: 12,
    memory: 30,
    leastDeviation: 0.005,
  },
  // What it moves are the prompts, and they do not pay (`l2p-edge evaluate drift --methods stream,stream+boost`).
  boost: 1,
  boostLabels: 100,
};

const noDrift: DriftSettings = {
  ...defaultDriftSettings,
  error: { ...defaultDriftSettings.error, detector: "off" },
  similarity: { ...defaultDriftSettings.similarity, detector: "off" },
};

/** Below this, the rate is as ever: an endless tail would be written with every batch. */
const LEAST_EXCESS = 0.01;

/**
 * Plasticity is decided before a batch is written to the journal and written with it, so a replay repeats it whatever the
 * detectors had seen.
 */
export function driftMonitor({ settings = noDrift, maxCameras, tell, saved }: DriftMonitorOptions): DriftMonitor {
  const errors = errorWatch(settings.error, saved?.errors);
  const cameras = new Map<string, Watch>(
    saved?.cameras.map(([camera, state]) => [camera, similarityWatch(settings.similarity, state)]),
  );
  let excess = saved?.excess ?? 0;

  function alarm(watch: Drift["watch"], camera: string | null, { before, after }: Change): void {
    excess = settings.boost - 1;
    tell({ watch, camera, before, after });
  }

  function watchOf(camera: string): Watch {
    const watch = cameras.get(camera) ?? similarityWatch(settings.similarity);
    // The one that sent last stands last.
    cameras.delete(camera);
    cameras.set(camera, watch);
    if (cameras.size > maxCameras()) cameras.delete(cameras.keys().next().value!);
    return watch;
  }

  return {
    predicted(camera, similarity) {
      if (similarity === null || settings.similarity.detector === "off") return;
      const change = watchOf(camera).update(similarity);
      if (change !== null) alarm("similarity", camera, change);
    },
    judged(isRight, replayed) {
      const change = errors.update(isRight ? 0 : 1);
      if (change !== null && !replayed) alarm("error", null, change);
    },
    get plasticity() {
      return 1 + excess;
    },
    learned(labels, plasticity, replayed) {
      const left = (replayed ? plasticity - 1 : excess) * 2 ** (-labels / settings.boostLabels);
      excess = left < LEAST_EXCESS ? 0 : left;
    },
    save: () => ({
      errors: errors.save(),
      cameras: [...cameras].map(([camera, watch]) => [camera, watch.save()] as const),
      excess,
    }),
  };
}
