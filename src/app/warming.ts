import type { Transport } from "../edge/transport.ts";
import type { Topics } from "../message/topic.ts";
import type { LoadedSettings } from "../settings/load.ts";
import { nodeTopics, transportFor } from "./transport.ts";

export interface Warming extends Pick<Transport, "state$" | "retained" | "close"> {
  /** Of a start that failed: says `stopped` and leaves; does nothing after `close`. */
  giveUp(): Promise<void>;
}

/** Says `warming` until the node can learn. It receives nothing yet: labels are taken when the learner can learn them. */
export function openWarming(settings: LoadedSettings, url: string, clientId: string, topics: Topics): Warming {
  const nothing = { ...nodeTopics(topics), durable: [], live: [] };
  const transport = transportFor(settings, url, `${clientId}-warming`, nothing);
  transport.open();
  transport.announce("warming").catch(() => {}); // an absent broker is told of later
  return {
    state$: transport.state$,
    retained: (topic, waitMs) => transport.retained(topic, waitMs),
    close: () => transport.close(),
    async giveUp() {
      transport.announce("stopped").catch(() => {});
      await transport.close();
    },
  };
}
