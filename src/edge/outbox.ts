import { appError, type AppError } from "../kernel/errors.ts";
import type { PublishOptions } from "./transport.ts";

/** Read at each use: they may change. */
export interface OutboxOptions {
  readonly maxMessages: number;
  /** Of payloads and topics together. */
  readonly maxBytes: number;
  /** What gives way at the bound. */
  readonly whenFull: "drop-oldest" | "drop-newest";
}

export interface OutMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly options: PublishOptions;
}

/**
 * `sent`: the broker has it. `refused`: it never will. `later`: the connection broke, or the broker has no room just now.
 * `unwilling`: it said no, and not whether for ever.
 */
export type SendResult = "sent" | "later" | { readonly refused: AppError } | { readonly unwilling: AppError };

/** QoS 1 messages until the broker has them; in memory, in order, bounded. */
export interface Outbox {
  /** Resolves when the broker has it, or when a newer retained message of its topic took its place. */
  add(message: OutMessage): Promise<void>;
  /** Sends what waits, oldest first, at most `window` unacknowledged; what an earlier connection left open goes again. */
  attach(send: (message: OutMessage) => Promise<SendResult>, window: number): void;
  detach(): void;
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
  /** Fails everything that waits. */
  close(): void;
  readonly messages: number;
  readonly bytes: number;
  readonly dropped: number;
}

interface Entry {
  message: OutMessage;
  inFlight: boolean;
  /** How often the broker was unwilling. */
  refusals: number;
  settle: ((error?: AppError) => void)[];
}

interface Link {
  readonly send: (message: OutMessage) => Promise<SendResult>;
  readonly window: number;
  /** Messages that the broker did not take just now: nothing is sent until all of them may be tried again. */
  resting: number;
}

/** Before a broker is asked again that did not take a message. */
const restMs = 1000;
/** So often a broker may be unwilling: then it is for ever, and what waits behind the message goes on. */
const maxRefusals = 60;

export function outbox(options: OutboxOptions): Outbox {
  const entries: Entry[] = [];
  let bytes = 0;
  let dropped = 0;
  let keptIsRefused = false;
  let link: Link | undefined;
  let onEmpty: (() => void)[] = [];

  function remove(entry: Entry, error?: AppError): void {
    const index = entries.indexOf(entry);
    if (index < 0) return;
    entries.splice(index, 1);
    bytes -= sizeOf(entry.message);
    for (const settle of entry.settle) settle(error);
    if (entries.length > 0) return;
    for (const empty of onEmpty) empty();
    onEmpty = [];
  }

  function drop(entry: Entry): void {
    if (!isKept(entry)) dropped++;
    else if (!keptIsRefused) {
      // Its sender hears of it in a later microtask; what it sends until then would overtake this one.
      keptIsRefused = true;
      setImmediate(() => (keptIsRefused = false));
    }
    remove(entry, appError("mqtt/outbox-full", `${entry.message.topic} was dropped: ${entries.length} messages wait`));
  }

  function isOver(): boolean {
    return entries.length > options.maxMessages || bytes > options.maxBytes;
  }

  function makeRoom(newest: Entry): void {
    const { topic } = newest.message;
    const isTooLarge = sizeOf(newest.message) > options.maxBytes;
    if (isKept(newest) && isTooLarge)
      refuse(newest, appError("mqtt/refused", `${topic}: larger than the whole outbox`));
    else if (isTooLarge || (isKept(newest) && keptIsRefused)) drop(newest);
    while (isOver()) {
      const next = firstToGo(newest);
      // All others are on their way: lowered bounds hold again when the broker has them.
      if (!entries.includes(next)) return;
      drop(next);
    }
  }

  /** Nothing is lost with a kept one; the last of them, so that they stay in order. */
  function firstToGo(newest: Entry): Entry {
    if (isKept(newest)) return newest;
    const waiting = entries.filter((entry) => !entry.inFlight && entry !== newest);
    const oldest = options.whenFull === "drop-oldest" ? waiting[0] : undefined;
    return waiting.findLast(isKept) ?? oldest ?? newest;
  }

  async function sendEntry(entry: Entry, over: Link): Promise<void> {
    const result = await over.send(entry.message);
    if (result === "sent") remove(entry);
    else if (result === "later") rest(entry, over);
    else if ("unwilling" in result && ++entry.refusals < maxRefusals) rest(entry, over);
    else refuse(entry, "refused" in result ? result.refused : result.unwilling);
    if (link === over) pump();
  }

  function refuse(entry: Entry, error: AppError): void {
    if (!isKept(entry)) dropped++;
    remove(entry, error);
  }

  function rest(entry: Entry, over: Link): void {
    over.resting++;
    setTimeout(() => {
      over.resting--;
      if (link !== over) return; // the next connection sends it anyway
      entry.inFlight = false;
      pump();
    }, restMs).unref();
  }

  function pump(): void {
    const current = link;
    if (current === undefined || current.resting > 0) return;
    let inFlight = entries.filter((entry) => entry.inFlight).length;
    for (const entry of entries) {
      if (inFlight >= current.window) return;
      if (entry.inFlight) continue;
      entry.inFlight = true;
      inFlight++;
      void sendEntry(entry, current);
    }
  }

  return {
    add(message) {
      return new Promise((resolve, reject) => {
        const settle = (error?: AppError): void => (error === undefined ? resolve() : reject(error));
        const replaced = message.options.retain === true ? waitingFor(message.topic) : undefined;
        const entry: Entry = replaced ?? { message, inFlight: false, refusals: 0, settle: [] };
        entry.settle.push(settle);
        bytes += sizeOf(message) - (replaced === undefined ? 0 : sizeOf(replaced.message));
        entry.message = message;
        if (replaced === undefined) entries.push(entry);
        makeRoom(entry);
        pump();
      });
    },
    attach(send, window) {
      for (const entry of entries) entry.inFlight = false;
      link = { send, window, resting: 0 };
      pump();
    },
    detach() {
      link = undefined;
    },
    drained: () => (entries.length === 0 ? Promise.resolve() : new Promise((resolve) => onEmpty.push(resolve))),
    close() {
      link = undefined;
      while (entries[0] !== undefined) {
        remove(entries[0], appError("mqtt/closed", `${entries[0].message.topic} was not sent`));
      }
    },
    get messages() {
      return entries.length;
    },
    get bytes() {
      return bytes;
    },
    get dropped() {
      return dropped;
    },
  };

  function waitingFor(topic: string): Entry | undefined {
    return entries.find(
      ({ message, inFlight }) => !inFlight && message.options.retain === true && message.topic === topic,
    );
  }
}

function isKept({ message }: Entry): boolean {
  return message.options.isKept === true;
}

function sizeOf({ topic, payload }: OutMessage): number {
  return topic.length + payload.length;
}
