import { type IConnackPacket, MqttClient } from "mqtt";
import type { Duplex } from "node:stream";
import { appError, type AppError } from "../kernel/errors.ts";
import type { RawMessage } from "../stream/parts.ts";
import { ackWindow } from "./ack-window.ts";
import { boundedSocket, packetBound } from "./bounded-socket.ts";
import { mqttFault, reasonFault } from "./mqtt-faults.ts";
import { toRawMessage } from "./mqtt-message.ts";
import { type Endpoint, openSocket, placeOf } from "./mqtt-socket.ts";
import type { OutMessage, SendResult } from "./outbox.ts";

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  /** Seconds the broker keeps the session after the connection ends; 0: a clean session. */
  readonly sessionExpiryS: number;
  readonly filters: readonly string[];
  readonly will?: { readonly topic: string; readonly payload: string } | undefined;
  /** Messages of QoS 1 that the broker may send before the first is settled; only MQTT 5 tells it. */
  readonly receiveWindow: number;
  readonly maxPayloadBytes: number;
  readonly onMessage: (message: RawMessage) => void;
}

/** One network connection, from CONNACK and SUBACK to its end; it never reconnects. */
export interface MqttConnection {
  readonly version: 4 | 5;
  /** The broker had kept the session. */
  readonly resumed: boolean;
  /** Most QoS 1 messages the broker takes unacknowledged. */
  readonly sendWindow: number;
  /** Bytes written that the network has not yet taken. */
  readonly backlogBytes: number;
  send(message: OutMessage): Promise<SendResult>;
  subscribe(filter: string): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Resolves, never rejects, with why it ended. */
  readonly ended: Promise<AppError>;
  /** Leaves cleanly: no last will. */
  close(): Promise<void>;
}

/**
 * Above so many windows nothing more is read, not even the answer to a ping, and the connection may end: a bound for
 * brokers that know no window (3.1.1) or overstep it (Mosquitto 2.0.11 does after a reconnect).
 */
const windowsTaken = 4;
/** Payloads read and not settled yet, as of labelled frames that wait for the disk: beyond, nothing more is read as well. */
const maxUnsettledBytes = 64 * 1024 * 1024;
/** Unacknowledged at once where the broker does not say: what Mosquitto itself takes by default. */
const defaultSendWindow = 20;
/** DISCONNECT without a reason is the same on both versions [MQTT-3.14]. */
const disconnectPacket = Uint8Array.of(0xe0, 0);
const closeWaitMs = 1000;
/**
 * PUBACK codes that say nothing against the message [MQTT-5 3.4.2.1]: the packet id is in use, quota exceeded. All others
 * from 0x80 on are final, but for these two, of which nobody can tell: unspecified, implementation specific.
 */
const passing: ReadonlySet<number> = new Set([0x91, 0x97]);
const unclear: ReadonlySet<number> = new Set([0x80, 0x83]);

/** @throws AppError `mqtt/…`; `mqtt/version` where the broker refuses the version. */
export async function openConnection(options: ConnectionOptions, version: 4 | 5): Promise<MqttConnection> {
  const where = placeOf(options.endpoint);
  const socket: Duplex = boundedSocket(await openSocket(options.endpoint), options.maxPayloadBytes);
  const bounds = { messages: options.receiveWindow * windowsTaken, bytes: maxUnsettledBytes };
  const window = ackWindow(bounds, (id) => {
    // PUBACK for success, the same on both versions [MQTT-3.4.2.1]. mqtt.js would queue it for the next connection.
    if (socket.writable) socket.write(Uint8Array.of(0x40, 2, id >> 8, id & 255));
  });
  const client = new MqttClient(() => socket, clientOptions(options, version));
  let fault: AppError | undefined;
  client.on("error", (error) => (fault ??= mqttFault(error, where)));
  client.on(
    "disconnect",
    (packet) => (fault ??= reasonFault(packet.reasonCode ?? 0, `${where}: the broker disconnected`)),
  );
  client.handleMessage = (packet, next) => {
    options.onMessage(
      toRawMessage(packet, packet.qos === 0 ? () => {} : window.receive(packet.messageId!, packet.payload.length)),
    );
    // mqtt.js sends the PUBACK unless it is given an error, which it then ignores: ours comes from the window.
    window.whenOpen(() => next(packet.qos === 0 ? undefined : new Error("acknowledged when settled")));
  };
  // Not a race of each message with `ended`: a promise keeps all that ever waited for it.
  const onTheirWay = new Set<(result: SendResult) => void>();
  const ended = new Promise<AppError>((resolve) => {
    client.once("close", () => {
      window.close();
      client.end(true);
      for (const give of onTheirWay) give("later");
      resolve(fault ?? appError("mqtt/unreachable", `${where}: the connection was closed`));
    });
  });
  const connack = await Promise.race([connackOf(client), ended.then(() => rejectEarly(fault, where))]);
  await Promise.race([subscribeTo(client, options.filters, where), ended.then((error) => Promise.reject(error))]).catch(
    async (error: unknown) => {
      await leave(socket, ended);
      throw error;
    },
  );
  return {
    version,
    resumed: connack.sessionPresent,
    sendWindow: Math.min(connack.properties?.receiveMaximum ?? defaultSendWindow, defaultSendWindow),
    get backlogBytes() {
      return socket.writableLength;
    },
    send: (message) =>
      new Promise((resolve) => {
        if (client.disconnecting || !client.connected) return resolve("later");
        onTheirWay.add(resolve);
        void sendOver(client, message).then((result) => {
          onTheirWay.delete(resolve);
          resolve(result);
        });
      }),
    subscribe: (filter) => Promise.race([subscribeTo(client, [filter], where), ended.then((e) => Promise.reject(e))]),
    unsubscribe: async (filter) => void (await Promise.race([client.unsubscribeAsync(filter).catch(() => {}), ended])),
    ended,
    close: () => leave(socket, ended),
  };
}

function clientOptions(options: ConnectionOptions, version: 4 | 5): ConstructorParameters<typeof MqttClient>[1] {
  const { username, password, will, sessionExpiryS } = options;
  return {
    clientId: options.clientId,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    protocolVersion: version,
    clean: sessionExpiryS === 0,
    keepalive: options.keepAliveS,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // It would keep each of the 65,536 packet ids as a buffer, 8 MB in all.
    writeCache: false,
    ...(will !== undefined && {
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    }),
    ...(version === 5 && {
      properties: {
        sessionExpiryInterval: sessionExpiryS,
        receiveMaximum: options.receiveWindow,
        // Of a persistent session only: there, a message too large even for its user properties to be read would come
        // again for ever. A frame above the bound is cut instead, so that its sender is told.
        ...(sessionExpiryS > 0 && { maximumPacketSize: packetBound(options.maxPayloadBytes) }),
      },
    }),
  };
}

function connackOf(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve) => void client.once("connect", resolve));
}

function rejectEarly(fault: AppError | undefined, where: string): never {
  throw fault ?? appError("mqtt/no-answer", `${where}: closed before it answered CONNECT`);
}

async function subscribeTo(client: MqttClient, filters: readonly string[], where: string): Promise<void> {
  if (filters.length === 0) return;
  try {
    await client.subscribeAsync([...filters], { qos: 1 });
  } catch (error) {
    const { packet, message } = error as Error & { packet?: { granted: readonly (number | { qos: number })[] } };
    const refused = filters.filter((_, i) => Number(packet?.granted[i]) >= 0x80);
    if (refused.length === 0) throw mqttFault(error, where);
    throw appError("mqtt/not-authorized", `${where}: may not subscribe to ${refused.join(", ")} (${message})`, {
      cause: error,
    });
  }
}

async function sendOver(client: MqttClient, { topic, payload, options }: OutMessage): Promise<SendResult> {
  const { qos, retain = false, expiryS } = options;
  const properties = expiryS === undefined ? {} : { properties: { messageExpiryInterval: expiryS } };
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    await client.publishAsync(topic, bytes, { qos, retain, ...properties });
    return "sent";
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== "number" || passing.has(code)) return "later";
    const refusal = code === 0x87 ? "mqtt/not-authorized" : "mqtt/refused";
    const fault = appError(refusal, `${topic}: ${(error as Error).message}`, { cause: error });
    return unclear.has(code) ? { unwilling: fault } : { refused: fault };
  }
}

async function leave(socket: Duplex, ended: Promise<AppError>): Promise<void> {
  socket.end(disconnectPacket);
  const timer = setTimeout(() => socket.destroy(), closeWaitMs);
  await ended;
  clearTimeout(timer);
}
