import { BehaviorSubject, firstValueFrom, Subject, throwIfEmpty } from "rxjs";
import { appError, type AppError } from "../kernel/errors.ts";
import { createRng } from "../kernel/rng.ts";
import type { RawMessage } from "../stream/parts.ts";
import type { BackoffOptions } from "./backoff.ts";
import type { ConnectionOptions, MqttConnection } from "./mqtt-connection.ts";
import { mqttLink } from "./mqtt-link.ts";
import { outbox, type OutboxOptions, type OutMessage } from "./outbox.ts";
import { retainedReader } from "./retained.ts";
import { shortLived } from "./short-lived.ts";
import { matches } from "./topic-filter.ts";
import type { Transport, TransportState, TransportTopics } from "./transport.ts";

export interface MqttTransportOptions {
  readonly connection: Pick<
    ConnectionOptions,
    "endpoint" | "username" | "password" | "keepAliveS" | "connectTimeoutMs" | "receiveWindow" | "sessionExpiryS"
  >;
  readonly version: "auto" | 5 | 4;
  /** The same at every start, and no other client's: the broker keeps the session by it. */
  readonly clientId: string;
  readonly topics: TransportTopics;
  readonly maxFrameBytes: number;
  readonly maxLabelBytes: number;
  readonly backoff: BackoffOptions;
  readonly outbox: OutboxOptions;
  /** How long `close` waits for the outbox, ms. */
  readonly closeWaitMs: number;
}

/** A QoS 0 message is dropped where the network has not yet taken this much. */
const maxBacklogBytes = 1024 * 1024;
/** Of predictions that may still be news when the broker comes back. */
const maxShortLivedBytes = 1024 * 1024;

/**
 * Two connections: labels and commands, whose PUBACKs wait for the disk, must never wait behind megabytes of frames.
 * Everything is published on the first, which also carries the last will; the node is connected when both are.
 */
export function mqttTransport(options: MqttTransportOptions): Transport {
  const raw$ = new Subject<RawMessage>();
  const state$ = new BehaviorSubject<TransportState>({ kind: "connecting" });
  const said$ = new Subject<Promise<void>>();
  const waiting = outbox(options.outbox);
  const news = shortLived(maxShortLivedBytes);
  const retained = retainedReader(options.maxFrameBytes);
  let status: string | undefined;
  let unsentQos0 = 0;
  let isClosed = false;

  const common = { version: options.version, rng: createRng(randomSeed()), ...options.backoff };
  const labels = mqttLink({
    ...common,
    connection: {
      ...options.connection,
      clientId: options.clientId,
      // Nothing is kept for who hears nothing.
      sessionExpiryS: options.topics.durable.length === 0 ? 0 : options.connection.sessionExpiryS,
      filters: options.topics.durable,
      will: { topic: options.topics.status.topic, payload: options.topics.status.lastWill },
      maxPayloadBytes: options.maxLabelBytes,
      onMessage: (message) => raw$.next(message),
    },
    onUp: (connection) => {
      waiting.attach((message) => connection.send(message), connection.sendWindow);
      for (const message of news.take()) void sendNow(connection, message);
      whenBothAreUp();
    },
    onDown: (fault) => {
      waiting.detach();
      goOffline(fault);
    },
  });
  const frames = mqttLink({
    ...common,
    connection: {
      ...options.connection,
      clientId: `${options.clientId}-frames`,
      sessionExpiryS: 0,
      filters: options.topics.live,
      maxPayloadBytes: options.maxFrameBytes,
      onMessage(message) {
        if (retained.take(message)) return;
        // Two filters that overlap: the other connection has it.
        if (options.topics.durable.some((filter) => matches(filter, message.topic))) message.settle();
        else raw$.next(message);
      },
    },
    onUp: (connection) => {
      retained.attach(connection);
      whenBothAreUp();
    },
    onDown: (fault) => {
      retained.detach();
      goOffline(fault);
    },
  });

  function whenBothAreUp(): void {
    const connection = labels.connection;
    if (connection === undefined || frames.connection === undefined || isClosed) return;
    if (status !== undefined) void sayStatus(status);
    state$.next({ kind: "connected", version: connection.version, resumed: connection.resumed });
  }

  function goOffline(fault: AppError): void {
    if (!isClosed) state$.next({ kind: "offline", fault });
  }

  function sayStatus(payload: string): Promise<void> {
    const said = publish(options.topics.status.topic, payload, { qos: 1, retain: true });
    said.catch(() => {}); // whoever waits for `announce` hears of it
    said$.next(said);
    return said;
  }

  const publish: Transport["publish"] = async (topic, payload, publishOptions) => {
    if (isClosed) throw appError("mqtt/closed", `${topic} was not sent`);
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    const message = { topic, payload: bytes, options: publishOptions };
    if (publishOptions.qos === 1) return waiting.add(message);
    const connection: MqttConnection | undefined = labels.connection;
    if (connection !== undefined) return sendNow(connection, message);
    if (publishOptions.expiryS === undefined) unsentQos0++;
    else news.hold(message);
  };

  async function sendNow(connection: MqttConnection, message: OutMessage): Promise<void> {
    if (connection.backlogBytes > maxBacklogBytes || (await connection.send(message)) === "later") unsentQos0++;
  }

  return {
    raw$,
    state$,
    open() {
      labels.open();
      frames.open();
    },
    publish,
    // INVARIANT: said when both connections are up, not one: a camera may wait for `online` before its first frame.
    announce(next) {
      status = next;
      if (state$.value.kind === "connected") return sayStatus(next);
      const never = (): AppError => appError("mqtt/closed", `the status ${next} was not sent`);
      return firstValueFrom(said$.pipe(throwIfEmpty(never))).then((said) => said);
    },
    retained: (topic, waitMs) => retained.read(topic, waitMs),
    stats: () => ({
      outboxMessages: waiting.messages,
      outboxBytes: waiting.bytes,
      outboxDropped: waiting.dropped,
      unsentQos0: unsentQos0 + news.lost,
    }),
    async close() {
      if (isClosed) return;
      // No frames or labels for a node that stops; unsettled labels come again at its next start.
      await frames.close();
      if (labels.connection !== undefined) {
        if (state$.value.kind !== "connected" && status !== undefined) void sayStatus(status); // its last chance
        await withTimeout(waiting.drained(), options.closeWaitMs);
      }
      isClosed = true;
      await labels.close();
      waiting.close();
      retained.close();
      said$.complete();
      state$.next({ kind: "closed" });
      state$.complete();
      raw$.complete();
    },
  };
}

/** The jitter must differ between boxes: the one place where randomness is not to be repeated. */
function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0]!;
}

async function withTimeout(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([done, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
