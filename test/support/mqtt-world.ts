import { connectAsync, type MqttClient } from "mqtt";
import { mqttTransport, type MqttTransportOptions } from "../../src/edge/mqtt-transport.ts";
import { endpointOf } from "../../src/edge/mqtt-socket.ts";
import { contractLimits, contractTopics, type Outside, type Seen } from "../edge/transport-contract.ts";

export const clientId = "l2p-edge-l2p-box";

/** A transport of the node `box` at a broker, quick to reconnect; part of it to be overridden. */
export function boxOptions(url: string, more: Partial<MqttTransportOptions> = {}): MqttTransportOptions {
  return {
    connection: {
      endpoint: endpointOf(url, {}),
      keepAliveS: 10,
      connectTimeoutMs: 5000,
      receiveWindow: 32,
      sessionExpiryS: 3600,
    },
    version: "auto",
    clientId,
    topics: contractTopics,
    ...contractLimits,
    backoff: { minMs: 20, maxMs: 200 },
    outbox: { maxMessages: 100, maxBytes: 1_000_000, whenFull: "drop-oldest" },
    closeWaitMs: 1000,
    ...more,
  };
}

export { mqttTransport };

export interface OutsideClient extends Outside {
  readonly client: MqttClient;
  end(): Promise<void>;
}

export async function outsideClient(url: string, protocolVersion: 4 | 5 = 4): Promise<OutsideClient> {
  const client = await connectAsync(url, { protocolVersion, reconnectPeriod: 20 });
  return {
    client,
    async publish(topic, payload, options = {}) {
      const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
      await client.publishAsync(topic, bytes, { qos: options.qos ?? 0, retain: options.retain ?? false });
    },
    async subscribe(filter) {
      const seen: Seen[] = [];
      client.on("message", (topic, payload, { retain }) => seen.push({ topic, text: payload.toString(), retain }));
      await client.subscribeAsync(filter, { qos: 1 });
      return seen;
    },
    end: () => client.endAsync(true),
  };
}
