import { endpointOf } from "../edge/mqtt-socket.ts";
import { mqttTransport } from "../edge/mqtt-transport.ts";
import type { Transport, TransportTopics } from "../edge/transport.ts";
import type { Topics } from "../message/topic.ts";
import { liveView } from "../settings/live-view.ts";
import type { LoadedSettings } from "../settings/load.ts";

/** How long a clean stop waits for what is still to be sent, ms. */
const CLOSE_WAIT_MS = 3000;

/** The node's client id: its own in all of the broker, the same at every start. */
export function clientIdOf({ node, mqtt }: LoadedSettings): string {
  return mqtt.clientId ?? `l2p-edge-${node.base.replaceAll("/", "-")}-${node.id}`;
}

/** What the node listens to. @param beside Topics that are not its own. */
export function nodeTopics(topics: Topics, beside: readonly string[] = []): TransportTopics {
  const { frames, labels, commands } = topics.filters;
  return {
    durable: [...labels, ...commands],
    live: [...frames, ...beside],
    status: { topic: topics.status, lastWill: "offline" },
  };
}

/** The connection to the broker at `url`, by the settings (live: the outbox follows them); not opened yet. */
export function transportFor(
  settings: LoadedSettings,
  url: string,
  clientId: string,
  topics: TransportTopics,
): Transport {
  const { mqtt, stream, mqttPassword } = settings;
  return mqttTransport({
    connection: {
      endpoint: endpointOf(url, mqtt.tls),
      username: mqtt.username,
      password: mqttPassword?.reveal(),
      keepAliveS: mqtt.keepAliveS,
      connectTimeoutMs: mqtt.connectTimeoutMs,
      receiveWindow: mqtt.receiveWindow,
      sessionExpiryS: mqtt.sessionExpiryS,
    },
    version: mqtt.version,
    clientId,
    topics,
    maxFrameBytes: stream.maxFrameBytes,
    maxLabelBytes: mqtt.maxLabelBytes,
    backoff: { minMs: mqtt.reconnectMinMs, maxMs: mqtt.reconnectMaxMs },
    outbox: liveView(() => ({
      maxMessages: mqtt.outboxMaxMessages,
      maxBytes: mqtt.outboxMaxBytes,
      whenFull: mqtt.whenOutboxFull,
    })),
    closeWaitMs: CLOSE_WAIT_MS,
  });
}
