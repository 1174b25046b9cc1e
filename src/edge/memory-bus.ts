import type { RawMessage } from "../stream/parts.ts";
import { matches } from "./topic-filter.ts";

export type BusMessage = Pick<RawMessage, "topic" | "payload" | "qos" | "retain" | "properties">;

export interface BusSubscription {
  /** A named session goes on collecting QoS 1 messages. */
  end(): void;
}

/** A broker without a network, for tests and demos: topic filters, retained messages, sessions. Delivers in a microtask. */
export interface MemoryBus {
  publish(message: BusMessage): void;
  /** @param session Undefined: a clean session. Equal names take the session over, with what waits in it. */
  subscribe(
    filters: readonly string[],
    session: string | undefined,
    deliver: (message: BusMessage, settle: () => void) => void,
  ): BusSubscription;
}

interface Session {
  readonly filters: readonly string[];
  /** Undefined: away. */
  deliver: ((message: BusMessage, settle: () => void) => void) | undefined;
  /** QoS 1 messages not yet settled, oldest first. */
  readonly unsettled: Set<BusMessage>;
  readonly settled: WeakSet<BusMessage>;
}

export function memoryBus(): MemoryBus {
  const retained = new Map<string, BusMessage>();
  const durable = new Map<string, Session>();
  const sessions = new Set<Session>();

  function send(session: Session, message: BusMessage): void {
    if (message.qos > 0) session.unsettled.add(message);
    hand(session, message);
  }

  function hand(session: Session, message: BusMessage): void {
    queueMicrotask(() => session.deliver?.(message, () => settle(session, message)));
  }

  /** In the order of arrival [MQTT-4.6.0-2]; without effect when the receiver has left. */
  function settle(session: Session, message: BusMessage): void {
    if (session.deliver === undefined) return;
    session.settled.add(message);
    for (const first of session.unsettled) {
      if (!session.settled.has(first)) return;
      session.unsettled.delete(first);
    }
  }

  return {
    publish(message) {
      if (message.retain && message.payload.length === 0) retained.delete(message.topic);
      else if (message.retain) retained.set(message.topic, message);
      for (const session of sessions) {
        if (session.filters.some((filter) => matches(filter, message.topic)))
          send(session, { ...message, retain: false });
      }
    },
    subscribe(filters, name, deliver) {
      const kept = name === undefined ? undefined : durable.get(name);
      const unsettled = kept?.unsettled ?? new Set();
      const session: Session = { filters, deliver, unsettled, settled: new WeakSet() };
      if (kept !== undefined) sessions.delete(kept);
      if (name !== undefined) durable.set(name, session);
      sessions.add(session);
      for (const message of session.unsettled) hand(session, message);
      for (const message of retained.values()) {
        if (filters.some((filter) => matches(filter, message.topic))) send(session, message);
      }
      return {
        end() {
          session.deliver = undefined;
          if (name === undefined) sessions.delete(session);
        },
      };
    },
  };
}
