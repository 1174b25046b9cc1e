import type { Dashboard } from "../edge/dashboard/dashboard.ts";
import type { Forwarder } from "../edge/forwarder.ts";
import { refusals } from "../edge/refusals.ts";
import type { PublishOptions, Transport } from "../edge/transport.ts";
import { encodeJson, type JsonMessages } from "../message/json.ts";
import { rejectedMessage } from "../message/rejected.ts";
import { encodeSnapshot } from "../message/snapshot.ts";
import type { SnapshotAbout } from "../message/snapshot-about.ts";
import { snapshotManifest } from "../message/snapshot-manifest.ts";
import type { BoxTelemetry, PipelineTelemetry } from "../message/telemetry.ts";
import type { Topics } from "../message/topic.ts";
import type { SnapshotSettings } from "../settings/types.ts";
import type { Snapshot } from "../stream/checkpoint.ts";
import type { DriftNotice, LearnedLabel, Predicted, Refused, Reply } from "../stream/outcome.ts";
import type { Log } from "../stream/parts.ts";

/** A prediction is news for so long; then the next ones have come. */
const PREDICTION_EXPIRY_S = 60;

export interface PublisherOptions {
  readonly transport: Pick<Transport, "publish">;
  /** For results that must reach the broker, however long it is away; undefined: from memory. */
  readonly forward: Pick<Forwarder, "publish"> | undefined;
  readonly topics: Topics;
  readonly dashboard: Dashboard | undefined;
  /** Read at each use. */
  readonly settings: Pick<SnapshotSettings, "precision">;
  readonly log: Log;
}

/** Says what the pipeline did: to the broker, to the page, to the log. */
export interface Publisher {
  prediction(predicted: Predicted): void;
  learned(learned: LearnedLabel): void;
  rejected(refused: Refused): void;
  drift(notice: DriftNotice): void;
  reply(reply: Reply): void;
  telemetry(telemetry: PipelineTelemetry, box: BoxTelemetry): void;
  snapshot(snapshot: Snapshot, about: SnapshotAbout): void;
}

export function createPublisher({ transport, forward, topics, dashboard, settings, log }: PublisherOptions): Publisher {
  const refusal = refusals(log);

  function send(topic: string, payload: Uint8Array, options: PublishOptions): void {
    // Lost for a reason that the transport counts.
    transport.publish(topic, payload, options).then(
      () => refusal.sent(topic),
      (error: unknown) => refusal.refused(topic, error),
    );
  }
  function sendJson<K extends keyof JsonMessages>(
    kind: K,
    topic: string,
    message: JsonMessages[K],
    options: PublishOptions,
  ): void {
    send(topic, encodeJson(kind, message), options);
  }

  function keepAndSend<K extends "learned" | "rejected">(kind: K, topic: string, message: JsonMessages[K]): void {
    if (forward) forward.publish(topic, encodeJson(kind, message));
    else sendJson(kind, topic, message, { qos: 1 });
  }

  return {
    prediction({ camera, message, image }) {
      sendJson("prediction", topics.prediction(camera), message, { qos: 0, expiryS: PREDICTION_EXPIRY_S });
      dashboard?.frame(camera, image, message);
    },
    learned({ camera, message }) {
      keepAndSend("learned", topics.learned(camera), message);
      dashboard?.learned(camera, message);
    },
    rejected({ rejected }) {
      const message = rejectedMessage(rejected);
      keepAndSend("rejected", topics.rejected(rejected.camera), message);
      dashboard?.rejected(rejected.camera, message);
      log("info", `rejected ${rejected.topic}: ${rejected.code}: ${rejected.detail}`);
    },
    drift({ message }) {
      sendJson("drift", topics.drift, message, { qos: 1 });
      dashboard?.drift(message);
      const { watch, camera, before, after } = message;
      log(
        "warn",
        `drift: ${watch}${camera === null ? "" : ` of ${camera}`} from ${before.toFixed(3)} to ${after.toFixed(3)}`,
      );
    },
    reply({ name, message }) {
      sendJson("reply", topics.reply(name), message, { qos: 1 });
      log("info", `command ${name}: ${message.ok ? "done" : `${message.code}: ${message.detail}`}`);
    },
    telemetry(telemetry, box) {
      const message = { v: 1, ...telemetry, box } as const;
      sendJson("telemetry", topics.telemetry, message, { qos: 0, retain: true });
      dashboard?.telemetry(message);
    },
    snapshot({ compact, labels, poolVersion }, about) {
      const chosen = { precision: settings.precision };
      const bytes = encodeSnapshot(compact, about, chosen);
      const manifest = snapshotManifest(bytes, { ...about, ...chosen }, labels);
      send(topics.snapshot, bytes, { qos: 1, retain: true });
      sendJson("manifest", topics.manifest, manifest, { qos: 1, retain: true });
      dashboard?.snapshot({ version: poolVersion, sizeBytes: bytes.length });
    },
  };
}
