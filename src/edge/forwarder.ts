import { isAppError } from "../kernel/errors.ts";
import type { Log } from "../stream/parts.ts";
import type { DiskQueue, QueuedMessage } from "./disk-queue.ts";
import { refusals } from "./refusals.ts";
import type { Transport } from "./transport.ts";

export interface ForwarderOptions {
  readonly queue: DiskQueue;
  readonly transport: Pick<Transport, "publish">;
  /** The forwarder fills half of it at most. Read at each use. */
  readonly outboxMaxMessages: number;
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

/** On their way at once at most: what the transport itself sends unacknowledged. */
const maxWindow = 20;
/** Before it is tried again where the transport had no room; sooner when the broker takes something. */
const retryMs = 1000;

export function forwarder(options: ForwarderOptions): Forwarder {
  const { queue, transport, log, syncAfterMs = 1000 } = options;
  const window = (): number => Math.max(1, Math.min(maxWindow, Math.floor(options.outboxMaxMessages / 2)));
  const refusal = refusals(log);
  /** Taken from the queue, and the transport had no room; oldest first, before all that is still in the queue. */
  const unsent: QueuedMessage[] = [];
  let underway = 0;
  let isClosed = false;
  /** Nothing can be sent any more. */
  let isOver = false;
  let hadFault = false;
  let syncTimer: NodeJS.Timeout | undefined;
  /** While it runs, nothing is sent. */
  let retryTimer: NodeJS.Timeout | undefined;
  let resuming: NodeJS.Immediate | undefined;

  function pump(): void {
    while (underway < window() && retryTimer === undefined) {
      const message = isOver ? undefined : (unsent.shift() ?? taken());
      if (message === undefined) return;
      underway += 1;
      void forward(message);
    }
  }

  /** A file that cannot be read is passed over: what follows it is sent. */
  function taken(): QueuedMessage | undefined {
    for (;;) {
      try {
        return queue.take();
      } catch (error) {
        log("error", "results that waited on disk cannot be read, and are not sent", error);
      }
    }
  }

  function resume(): void {
    clearTimeout(retryTimer);
    retryTimer = resuming = undefined;
    pump();
  }

  async function forward(message: QueuedMessage): Promise<void> {
    const result = await send(message);
    underway -= 1;
    if (isClosed || result === "closed") return;
    if (result === "no-room") {
      unsent.push(message);
      unsent.sort((a, b) => a.n - b.n);
      retryTimer ??= setTimeout(resume, retryMs).unref();
      return;
    }
    if (result === "sent") queue.done(message.n);
    else queue.drop(message.n);
    // There is room again; in a moment, as what else had none may be told of it only now.
    if (retryTimer !== undefined) resuming ??= setImmediate(resume);
    pump();
  }

  async function send({ topic, payload }: QueuedMessage): Promise<"sent" | "refused" | "no-room" | "closed"> {
    try {
      await transport.publish(topic, payload, { qos: 1, isKept: true });
      refusal.sent(topic);
      return "sent";
    } catch (error) {
      if (isAppError(error, "mqtt/outbox-full")) return "no-room";
      if (isAppError(error, "mqtt/closed")) {
        isOver = true;
        return "closed";
      }
      refusal.refused(topic, error); // by the broker, for good
      return "refused";
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
        transport.publish(topic, payload, { qos: 1 }).catch((fault: unknown) => refusal.refused(topic, fault));
      }
      pump();
    },
    sync: () => queue.sync(),
    async close() {
      if (isClosed) return;
      isClosed = isOver = true;
      clearTimeout(syncTimer);
      clearTimeout(retryTimer);
      await queue.sync().catch((error: unknown) => tellFault(error));
      queue.close();
    },
  };
}
