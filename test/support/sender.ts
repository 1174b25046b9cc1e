import { connectAsync, type MqttClient } from "mqtt";
import { topics as topicsOf, type Topics } from "../../src/message/topic.ts";

export interface FrameSent {
  readonly qos?: 0 | 1;
  /** MQTT 5 user properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Cameras and people with labels, on one connection. Each call resolves when the broker has the message. */
export interface Sender {
  readonly client: MqttClient;
  readonly topics: Topics;
  /** @param frameId Undefined: the node gives one. */
  frame(camera: string, frameId: string | undefined, bytes: Uint8Array, options?: FrameSent): Promise<void>;
  label(camera: string, frameId: string, label: string | Uint8Array): Promise<void>;
  command(name: string, payload: string | Uint8Array): Promise<void>;
  publish(topic: string, payload: string | Uint8Array, qos?: 0 | 1): Promise<void>;
  end(): Promise<void>;
}

export async function sender(url: string, version: 4 | 5 = 4, node = "box"): Promise<Sender> {
  const client = await connectAsync(url, { protocolVersion: version, reconnectPeriod: 20 });
  const topics = topicsOf("l2p", node);
  const publish: Sender["publish"] = async (topic, payload, qos = 1) => {
    await client.publishAsync(topic, typeof payload === "string" ? payload : Buffer.from(payload), { qos });
  };
  return {
    client,
    topics,
    publish,
    async frame(camera, frameId, bytes, { qos = 1, properties } = {}) {
      const more = properties === undefined ? {} : { properties: { userProperties: { ...properties } } };
      await client.publishAsync(topics.frame(camera, frameId), Buffer.from(bytes), { qos, ...more });
    },
    label: (camera, frameId, label) => publish(topics.label(camera, frameId), label),
    command: (name, payload) => publish(topics.command(name), payload),
    end: () => client.endAsync(true),
  };
}
