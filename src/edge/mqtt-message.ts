import type { IPublishPacket } from "mqtt";
import type { RawMessage } from "../stream/parts.ts";

/** Below this, a payload is copied: it would otherwise keep alive the network chunk of 64 KiB that it lies in. */
const copyBelowBytes = 16_384;

export function toRawMessage(packet: IPublishPacket, settle: () => void): RawMessage {
  const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
  return {
    topic: packet.topic,
    payload: payload.length < copyBelowBytes ? Uint8Array.from(payload) : payload,
    qos: packet.qos,
    retain: packet.retain,
    properties: userProperties(packet.properties?.userProperties),
    receivedAt: Date.now(),
    settle,
  };
}

function userProperties(properties: object | undefined): ReadonlyMap<string, string> {
  const entries = Object.entries((properties ?? {}) as Record<string, string | string[]>);
  return new Map(entries.map(([name, value]) => [name, Array.isArray(value) ? (value.at(-1) ?? "") : value]));
}
