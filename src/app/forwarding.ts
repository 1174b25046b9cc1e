import { join } from "node:path";
import { openDiskQueue } from "../edge/disk-queue.ts";
import { type Forwarder, forwarder } from "../edge/forwarder.ts";
import type { Transport } from "../edge/transport.ts";
import type { QueueTelemetry } from "../message/telemetry.ts";
import type { Settings } from "../settings/types.ts";
import type { Log } from "../stream/parts.ts";

export interface Forwarding extends Forwarder {
  stats(): QueueTelemetry;
}

/** Store and forward in the state folder, by the settings (live: it follows them); undefined where it is switched off. @throws AppError `queue/io` */
export function openForwarding(
  { mqtt, state }: Pick<Settings, "mqtt" | "state">,
  transport: Pick<Transport, "publish">,
  log: Log,
): Forwarding | undefined {
  if (mqtt.queueMaxBytes === 0) return undefined;
  const folder = join(state.folder, "outgoing");
  const queue = openDiskQueue({
    folder,
    maxBytes: mqtt.queueMaxBytes,
    get whenFull() {
      return mqtt.whenQueueFull;
    },
    log,
  });
  if (queue.messages > 0) log("info", `${queue.messages} results of an earlier run wait for the broker`);
  return {
    ...forwarder({
      queue,
      transport,
      get outboxMaxMessages() {
        return mqtt.outboxMaxMessages;
      },
      log,
    }),
    stats: () => ({ messages: queue.messages, bytes: queue.bytes, dropped: queue.dropped }),
  };
}
