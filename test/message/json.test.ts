import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeJson, encodeJson, messageSchemas, type JsonMessages } from "../../src/message/json.ts";
import { rejected, rejectedMessage } from "../../src/message/rejected.ts";
import { decodeStatus } from "../../src/message/status.ts";

const accuracy = { overall: 0.5, windowed: null, fading: 1 };
const examples: JsonMessages = {
  prediction: {
    v: 1,
    frameId: "f1",
    label: "bolt",
    confidence: 0.9,
    unknown: false,
    novelty: 0.25,
    wantsLabel: true,
    top: [["bolt", 0.9]],
    promptIds: [3, 1],
    poolVersion: 4,
    modelId: "ab",
    latencyMs: 12.5,
    capturedAt: "2024-05-01T10:00:00.000Z",
  },
  learned: {
    v: 1,
    frameId: "f1",
    label: "bolt",
    predicted: null,
    correct: false,
    loss: 1.2,
    poolVersion: 5,
    durable: true,
    correction: false,
    replayed: false,
  },
  rejected: rejectedMessage(rejected({ camera: "c", code: "label/late", detail: "gone", topic: "t", frameId: "f1" })),
  drift: {
    v: 1,
    watch: "similarity",
    camera: "belt",
    before: 0.66,
    after: 0.51,
    poolVersion: 5,
    at: "2024-05-01T10:00:00.000Z",
  },
  reply: { v: 1, id: "7", ok: false, code: "command/failed", detail: "no such checkpoint" },
  telemetry: {
    v: 1,
    at: "2024-05-01T10:00:00.000Z",
    poolVersion: 5,
    paused: false,
    rates: { framesPerSecond: 1, predictionsPerSecond: 1, learnedPerSecond: 0 },
    totals: {
      frames: 1,
      predictions: 1,
      unknown: 0,
      asked: 1,
      learned: 1,
      corrections: 0,
      duplicates: 0,
      replayed: 0,
      driftSignals: 0,
    },
    drift: { error: 1, similarity: 0, rollbacks: 0 },
    plasticity: 1.5,
    latencyMs: { prediction: { p50: 1, p90: 2, p99: 3, max: 4 }, learning: null },
    drops: { "mailbox/replaced": 2 },
    rejected: { "label/late": 1 },
    accuracy: { samples: 1, combined: accuracy, prompted: accuracy, statistics: accuracy },
    classCounts: { bolt: 1 },
    promptUse: [1, 0],
    combination: { prompted: 0.5, statistics: 0.5 },
    waiting: { labels: 0, pending: 0, windowFrames: 1, windowBytes: 10, journalBytes: 0 },
    box: {
      engine: "onnx",
      provider: "cpu",
      memoryBytes: 1,
      temperatureC: null,
      uptimeS: 3,
      mqtt: { outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 2 },
    },
  },
  manifest: {
    v: 1,
    modelId: "ab",
    modelName: "vit",
    node: "box",
    createdAt: "2024-05-01T10:00:00.000Z",
    poolVersion: 5,
    reason: "learned",
    accuracy: null,
    precision: "fp16",
    sizeBytes: 33_000,
    sha256: "0".repeat(64),
    labels: ["bolt"],
  },
};
const kinds = Object.keys(examples) as (keyof JsonMessages)[];

describe("JSON messages", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  it.each(kinds)("%s fits its JSON Schema and comes back as it was", (kind) => {
    const payload = encodeJson(kind, examples[kind]);
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    const validate = ajv.compile(messageSchemas()[kind]);
    expect(validate(value)).toBe(true);
    expect(validate({ ...(value as object), v: 2 })).toBe(false);
    expect(validate({ ...(value as object), surprise: 1 })).toBe(false);
    expect(decodeJson(kind, payload)).toEqual(value);
  });

  it("gives null for anything else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.oneof(fc.uint8Array(), fc.json()), (kind, hostile) => {
        const payload = typeof hostile === "string" ? new TextEncoder().encode(hostile) : hostile;
        expect(decodeJson(kind, payload)).toBeNull();
      }),
    );
  });
});

describe("rejected", () => {
  it("cuts what a hostile sender made long", () => {
    const message = rejected({ camera: null, code: "topic/unknown", detail: "d".repeat(900), topic: "t".repeat(9000) });
    expect([message.detail.length, message.topic.length]).toEqual([500, 256]);
  });
});

describe("status", () => {
  it("knows four words", () => {
    expect(decodeStatus(new TextEncoder().encode("warming"))).toBe("warming");
    expect(decodeStatus(new TextEncoder().encode("fine"))).toBeNull();
  });
});
