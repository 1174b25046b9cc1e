import type { ServerResponse } from "node:http";
import type { Clock } from "../../kernel/clock.ts";
import { type Model, type Section, sections } from "./model.ts";

/** How often a section may be sent, in ticks: pictures follow quickly, long lists calmly. */
const everyTicks: Readonly<Record<Section, number>> = {
  cameras: 1,
  asks: 3,
  summary: 2,
  prompts: 2,
  history: 3,
  classes: 4,
  confusion: 5,
  snapshots: 1,
  events: 1,
};

const maxClients = 16;
const heartbeatMs = 15_000;
/** A browser that has taken nothing for so long is cut off. */
const stuckMs = 30_000;

interface Client {
  readonly response: ServerResponse;
  /** The version of each section that it has. */
  readonly sent: Map<Section, number>;
  lastWrite: number;
}

/** Server-sent events to every open page. */
export interface Live {
  /** Takes over a response; false when too many pages are open. */
  add(response: ServerResponse): boolean;
  /** Sends each client what changed since it was last sent. */
  tick(): void;
  close(): void;
}

/**
 * INVARIANT: nothing is queued for a client. One whose socket still holds earlier bytes is passed over, and gets the
 * newest state when it has caught up; so a slow browser costs one state's worth of memory and never blocks.
 */
export function createLive(model: Model, clock: Clock): Live {
  const clients = new Set<Client>();
  let ticks = 0;

  function send(client: Client, encode: (section: Section) => string, all: boolean): void {
    const now = clock.monotonicMs();
    if (client.response.writableLength > 0) {
      if (now - client.lastWrite > stuckMs) client.response.destroy();
      return;
    }
    let text = all ? "retry: 2000\n\n" : "";
    for (const section of sections) {
      const version = model.version(section);
      if (client.sent.get(section) === version || (!all && ticks % everyTicks[section] !== 0)) continue;
      client.sent.set(section, version);
      text += encode(section);
    }
    if (text === "" && now - client.lastWrite > heartbeatMs) text = ": still here\n\n";
    if (text === "") return;
    client.lastWrite = now;
    client.response.write(text);
  }

  /** Writes a section once, however many clients want it. */
  function encoder(): (section: Section) => string {
    const texts = new Map<Section, string>();
    return (section) => {
      const text = texts.get(section) ?? `event: ${section}\ndata: ${JSON.stringify(model.view(section))}\n\n`;
      texts.set(section, text);
      return text;
    };
  }

  return {
    add(response) {
      if (clients.size >= maxClients) return false;
      const client: Client = { response, sent: new Map(), lastWrite: clock.monotonicMs() };
      clients.add(client);
      response.on("close", () => clients.delete(client));
      response.on("error", () => clients.delete(client));
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      send(client, encoder(), true);
      return true;
    },
    tick() {
      ticks += 1;
      const encode = encoder();
      for (const client of clients) send(client, encode, false);
    },
    close() {
      for (const client of clients) client.response.end();
    },
  };
}
