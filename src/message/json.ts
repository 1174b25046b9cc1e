import { z } from "zod";
import { driftSchema, type DriftMessage } from "./drift.ts";
import { learnedSchema, type LearnedMessage } from "./learned.ts";
import { predictionSchema, type PredictionMessage } from "./prediction.ts";
import { rejectedSchema, type RejectedMessage } from "./rejected.ts";
import { replySchema, type ReplyMessage } from "./reply.ts";
import { manifestSchema, type ManifestMessage } from "./snapshot-manifest.ts";
import { telemetrySchema, type TelemetryMessage } from "./telemetry.ts";

/** Every JSON message the node publishes, by the name of its topic. */
export interface JsonMessages {
  readonly prediction: PredictionMessage;
  readonly learned: LearnedMessage;
  readonly rejected: RejectedMessage;
  readonly drift: DriftMessage;
  readonly reply: ReplyMessage;
  readonly telemetry: TelemetryMessage;
  readonly manifest: ManifestMessage;
}

const schemas: { readonly [K in keyof JsonMessages]: z.ZodType<JsonMessages[K]> } = {
  prediction: predictionSchema,
  learned: learnedSchema,
  rejected: rejectedSchema,
  drift: driftSchema,
  reply: replySchema,
  telemetry: telemetrySchema,
  manifest: manifestSchema,
};

export function encodeJson<K extends keyof JsonMessages>(_kind: K, message: JsonMessages[K]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** A message from a node, e.g. for a dashboard; null when it is none of this kind and version. */
export function decodeJson<K extends keyof JsonMessages>(kind: K, payload: Uint8Array): JsonMessages[K] | null {
  try {
    return schemas[kind].safeParse(JSON.parse(new TextDecoder().decode(payload))).data ?? null;
  } catch {
    return null;
  }
}

/** The JSON Schemas (draft 2020-12) of the published messages. */
export function messageSchemas(): Readonly<Record<keyof JsonMessages, object>> {
  const schemaOf = (kind: keyof JsonMessages): object => ({ title: kind, ...z.toJSONSchema(schemas[kind]) });
  return {
    prediction: schemaOf("prediction"),
    learned: schemaOf("learned"),
    rejected: schemaOf("rejected"),
    drift: schemaOf("drift"),
    reply: schemaOf("reply"),
    telemetry: schemaOf("telemetry"),
    manifest: schemaOf("manifest"),
  };
}
