import type { BoxTelemetry, PipelineTelemetry } from "../../src/message/telemetry.ts";

const accuracy = { overall: 0.25, windowed: 0.25, fading: 0.251 };

/** A box that has worked for a while. */
export const sampleTelemetry: PipelineTelemetry = {
  at: "2026-11-25T06:48:25.092Z",
  poolVersion: 4,
  paused: false,
  rates: { framesPerSecond: 1, predictionsPerSecond: 1, learnedPerSecond: 0.5 },
  totals: {
    frames: 5,
    predictions: 4,
    unknown: 1,
    asked: 2,
    learned: 4,
    corrections: 1,
    duplicates: 2,
    replayed: 0,
    driftSignals: 0,
  },
  drift: { error: 0, similarity: 0, rollbacks: 0 },
  plasticity: 1,
  latencyMs: {
    prediction: { p50: 36.9, p90: 219.9, p99: 219.9, max: 219.9 },
    learning: { p50: 101.2, p90: 302.4, p99: 302.4, max: 302.4 },
  },
  drops: { replaced: 3 },
  rejected: { "image/format": 1 },
  accuracy: { samples: 4, combined: accuracy, prompted: accuracy, statistics: accuracy },
  classCounts: { glass: 2, metal: 2 },
  promptUse: [7, 4, 0, 12],
  combination: { prompted: 0.1, statistics: 0.9 },
  waiting: { labels: 2, pending: 2, windowFrames: 5, windowBytes: 11_252, journalBytes: 12_404 },
};

export const sampleBox: BoxTelemetry = {
  engine: "onnx",
  provider: "cpu",
  memoryBytes: 292_069_376,
  temperatureC: 51.5,
  uptimeS: 9,
  mqtt: { outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 3 },
  queue: { messages: 2, bytes: 900, dropped: 0 },
  sources: {
    gate: { state: "running", code: null, frames: 40, restarts: 1 },
    belt: { state: "failing", code: "source/stalled", frames: 2, restarts: 7 },
  },
};
