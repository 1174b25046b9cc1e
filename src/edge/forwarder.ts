import { type AppError, isAppError } from "../kernel/errors.ts";
import type { Log } from "../stream/parts.ts";
import type { DiskQueue, QueuedMessage } from "./disk-queue.ts";
import type { Transport } from "./transport.ts";

export interface ForwarderOptions {
  readonly queue: DiskQueue;
  readonly transport: Pick<Transport, "publish">;
  readonly log: Log;
  /** A message that waits so long is made to outlive a power cut, ms. Default 1000. */
  readonly syncAfterMs?: number;
}

/**
 * Store and forward: what is published goes to the disk first and from there to the broker, QoS 1, in order. At least
 * once: a message comes again when the process ended between the broker's answer and the note of it.
 */
export interface Forwarder {
  /** Never waits and never throws: what cannot be stored is sent from memory, or counted by the queue. */
  publish(topic: string, payload: Uint8Array): void;
  /** Resolves when all that waits would outlive a power cut. @throws Error of the file system */
  sync(): Promise<void>;
  /** What waits stays on disk for the next start. */
  close(): Promise<void>;
}

/** On their way at once: what the transport itself sends unacknowledged. */
const window = 20;
/** Before one is tried again that the transport had no room for. */
const retryMs = 1000;

export function forwarder({ queue, transport, log, syncAfterMs = 1000 }: ForwarderOptions): Forwarder {
  let underway = 0;
  let isClosed = false;
  /** Nothing can be sent any more. */
  let isOver = false;
  let hadFault = false;
  let syncTimer: NodeJS.Timeout | undefined;

  function pump(): void {
    while (underway < window) {
      const message = isOver ? undefined : queue.take();
      if (message === undefined) return;
      underway += 1;
      void forward(message);
    }
  }

  async function forward({ n, topic, payload }: QueuedMessage): Promise<void> {
    const settled = await send(topic, payload);
    underway -= 1;
    if (isClosed) return;
    if (settled) queue.done(n);
    pump();
  }

  /** True when the message needs not be kept any more. */
  async function send(topic: string, payload: Uint8Array): Promise<boolean> {
    for (;;) {
      try {
        await transport.publish(topic, payload, { qos: 1 });
        return true;
      } catch (error) {
        if (isAppError(error, "mqtt/closed")) isOver = true;
        if (isOver) return false;
        if (!isAppError(error, "mqtt/outbox-full")) {
          log("warn", `nothing was sent on ${topic}`, error); // refused by the broker, for good
          return true;
        }
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
  }

  /** A broker that is there has answered long before: then nothing waits, and the disk is spared. */
  function syncSoon(): void {
    syncTimer ??= setTimeout(() => {
      syncTimer = undefined;
      queue.sync().catch((error: unknown) => tellFault(error));
    }, syncAfterMs).unref();
  }

  function tellFault(error: unknown): void {
    if (!hadFault) log("error", "results cannot be kept on disk: they wait in memory until that works again", error);
    hadFault = true;
  }

  pump();
  return {
    publish(topic, payload) {
      try {
        queue.push(topic, payload);
        hadFault = false;
        syncSoon();
      } catch (error) {
        if (isAppError(error, "queue/full")) return; // counted; the setting chose it
        tellFault(error);
        transport.publish(topic, payload, { qos: 1 }).catch((fault: AppError) => {
          if (!isAppError(fault, "mqtt/closed")) log("warn", `nothing was sent on ${topic}`, fault);
        });
      }
      pump();
    },
    sync: () => queue.sync(),
    async close() {
      if (isClosed) return;
      isClosed = isOver = true;
      clearTimeout(syncTimer);
      await queue.sync().catch((error: unknown) => tellFault(error));
      queue.close();
    },
  };
}
