import type { Observable } from "rxjs";
import type { AppError } from "../kernel/errors.ts";
import type { RawMessage } from "../stream/parts.ts";

/** What a transport does with topics; it knows nothing else about them. */
export interface TransportTopics {
  /** Received with a persistent session: what comes while the node is away is kept by the broker. Labels, commands. */
  readonly durable: readonly string[];
  /** Received with a clean session: what comes while the node is away is gone. Frames. */
  readonly live: readonly string[];
  /** Retained: what was last announced, or the last will after the connection broke. */
  readonly status: { readonly topic: string; readonly lastWill: string };
}

export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain?: boolean;
  /** MQTT 5 message expiry, seconds; ignored on 3.1.1. */
  readonly expiryS?: number;
  /**
   * The sender has it until `publish` resolves, and tries again: in a full outbox it gives way before all others, the
   * newest first, and is not counted as lost.
   */
  readonly isKept?: boolean;
}

export type TransportState =
  | { readonly kind: "connecting" }
  /** `version` 4 is MQTT 3.1.1. `resumed`: the broker still had the session, with what came meanwhile. */
  | { readonly kind: "connected"; readonly version: 4 | 5; readonly resumed: boolean }
  /** It tries again by itself, whatever the fault. */
  | { readonly kind: "offline"; readonly fault: AppError }
  | { readonly kind: "closed" };

export interface TransportStats {
  readonly outboxMessages: number;
  readonly outboxBytes: number;
  /** QoS 1 messages lost because the outbox was full or the broker refused them, since the start. */
  readonly outboxDropped: number;
  /** QoS 0 messages not sent, because offline (until they expired) or the broker reads too slowly, since the start. */
  readonly unsentQos0: number;
}

/**
 * Carries messages between the node and its broker, and keeps trying while there is none.
 * Messages of QoS 1 are acknowledged in the order they came, each when it and all before it were settled
 * [MQTT-4.6.0-2]; unsettled ones of durable topics come again after a reconnect or a restart. Payloads above the
 * transport's limit arrive cut to at least one byte above it, so that the receiver's own size check refuses them.
 */
export interface Transport {
  /** Hot, never errors: subscribe before `open`. */
  readonly raw$: Observable<RawMessage>;
  /** Begins with the present state. */
  readonly state$: Observable<TransportState>;
  open(): void;
  /**
   * QoS 0: sent now, or when the broker is back before `expiryS` is over, or dropped and counted. QoS 1: resolves when the broker has it; while offline it waits in a bounded
   * outbox, so await it only where waiting hours is right. A retained message replaces one of its topic that still waits.
   * @throws AppError `mqtt/outbox-full`, `mqtt/not-authorized`, `mqtt/refused`, `mqtt/closed`
   */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions): Promise<void>;
  /** Publishes the retained status when all of `topics` is heard, and after every reconnect. @throws as `publish` */
  announce(status: string): Promise<void>;
  /** The retained payload of a topic outside `topics`; undefined when none came within `waitMs`. */
  retained(topic: string, waitMs: number): Promise<Uint8Array | undefined>;
  stats(): TransportStats;
  /** Sends what waits in the outbox for a short while, then leaves cleanly: the last will is not published. */
  close(): Promise<void>;
}
