import type { CellResult, CellSpec, Metrics } from "../../src/evaluate/result.ts";

/** A result as a run would write it, two segments long. */
export function cellResult(changes: {
  readonly spec?: Partial<CellSpec>;
  readonly metrics?: Partial<Metrics>;
  readonly promptUse?: CellResult["promptUse"];
  readonly drift?: CellResult["drift"];
}): CellResult {
  return {
    v: 1,
    spec: {
      scenario: "parts",
      protocol: "single-pass",
      perClass: 3,
      testPerClass: null,
      batch: 16,
      labelShare: 1,
      labelDelay: 0,
      method: "ncm",
      seed: 1,
      model: { name: "tiny", id: "0".repeat(64) },
      images: "1".repeat(64),
      settings: { stops: 2 },
      ...changes.spec,
    },
    stream: {
      frames: 40,
      classes: 4,
      segments: [
        { name: "day", end: 20 },
        { name: "night", end: 40 },
      ],
      tests: [
        { name: "day", images: 10, learnedIn: 0 },
        { name: "night", images: 10, learnedIn: 1 },
      ],
    },
    points: [
      { after: 20, segment: 0, stop: true, scores: { overall: { tests: [0.9, 0], seen: 0.9 } } },
      { after: 40, segment: 1, stop: true, scores: { overall: { tests: [0.5, 0.7], seen: 0.6 } } },
    ],
    right: { overall: "01".repeat(20) },
    bins: [],
    promptUse: changes.promptUse ?? null,
    drift: changes.drift ?? null,
    metrics: {
      averageAccuracy: 0.6,
      forgetting: 0.4,
      backwardTransfer: -0.4,
      aAuc: 0.75,
      aLast: 0.6,
      prequential: { overall: 0.5, secondHalf: 0.5, windowed: 0.5, fading: 0.5 },
      calibrationError: null,
      promptSharing: null,
      labels: 40,
      unknown: null,
      heads: {},
      ...changes.metrics,
    },
    cost: { learnMs: 1, predictMs: 2, queryMs: 8, stateBytes: 20_000, bufferImages: 0, bufferBytes: 0 },
  };
}
