import { BehaviorSubject, Subject } from "rxjs";
import { appError } from "../kernel/errors.ts";
import type { RawMessage } from "../stream/parts.ts";
import type { BusMessage, BusSubscription, MemoryBus } from "./memory-bus.ts";
import { matches } from "./topic-filter.ts";
import type { Transport, TransportState, TransportTopics } from "./transport.ts";

export interface MemoryTransportOptions {
  readonly bus: MemoryBus;
  readonly topics: TransportTopics;
  /** Names the session that keeps unsettled messages for the next transport of the same name. */
  readonly clientId: string;
  readonly maxFrameBytes: number;
  readonly maxLabelBytes: number;
}

/** The transport's contract without a network: always connected from `open` to `close`. */
export function memoryTransport(options: MemoryTransportOptions): Transport {
  const { bus, topics } = options;
  const raw$ = new Subject<RawMessage>();
  const state$ = new BehaviorSubject<TransportState>({ kind: "connecting" });
  let subscriptions: BusSubscription[] = [];
  let isClosed = false;

  function listen(filters: readonly string[], session: string | undefined, maxBytes: number): BusSubscription {
    return bus.subscribe(filters, session, (message, settle) => {
      const isOfBoth = session === undefined && topics.durable.some((filter) => matches(filter, message.topic));
      if (isOfBoth) return settle();
      const payload = message.payload.subarray(0, maxBytes + 1);
      raw$.next({ ...message, payload, receivedAt: Date.now(), settle });
    });
  }

  const publish: Transport["publish"] = async (topic, payload, { qos, retain = false }) => {
    if (isClosed) throw appError("mqtt/closed", `${topic} was not sent`);
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    bus.publish({ topic, payload: bytes, qos, retain, properties: new Map() });
  };

  return {
    raw$,
    state$,
    open() {
      if (subscriptions.length > 0) return;
      const durable = listen(topics.durable, options.clientId, options.maxLabelBytes);
      subscriptions = [durable, listen(topics.live, undefined, options.maxFrameBytes)];
      state$.next({ kind: "connected", version: 5, resumed: false });
    },
    publish,
    announce: (status) => publish(topics.status.topic, status, { qos: 1, retain: true }),
    retained: (topic, waitMs) => firstRetained(bus, topic, waitMs),
    stats: () => ({ outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 0 }),
    close() {
      isClosed = true;
      for (const subscription of subscriptions) subscription.end();
      state$.next({ kind: "closed" });
      state$.complete();
      raw$.complete();
      return Promise.resolve();
    },
  };
}

function firstRetained(bus: MemoryBus, topic: string, waitMs: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(undefined), waitMs);
    const subscription = bus.subscribe([topic], undefined, (message: BusMessage) => finish(message.payload));
    function finish(payload: Uint8Array | undefined): void {
      clearTimeout(timer);
      subscription.end();
      resolve(payload);
    }
  });
}
