import { filter, type Observable, take } from "rxjs";
import { refusals } from "../edge/refusals.ts";
import type { Transport } from "../edge/transport.ts";
import { discoveryMessage, discoveryTopic, type HomeAssistantDevice } from "../message/home-assistant.ts";
import type { HomeAssistantSettings, Settings } from "../settings/types.ts";
import type { Log, RawMessage } from "../stream/parts.ts";
import { version } from "./version.ts";

export interface HomeAssistantOptions extends Pick<HomeAssistantDevice, "topics" | "model"> {
  readonly settings: Pick<Settings, "homeAssistant" | "node" | "stream">;
  readonly transport: Pick<Transport, "publish" | "raw$" | "state$" | "retained">;
  readonly log: Log;
}

export interface HomeAssistant {
  /** What is left for the node: all but Home Assistant's own messages. */
  readonly raw$: Observable<RawMessage>;
  /** A camera whose predictions Home Assistant may show: told at the first. */
  camera(name: string): void;
}

/** How long a message of an earlier start is looked for, ms. */
const LOOK_MS = 2000;
const birth = "online";

/** What it wants to hear beside the node's own topics. */
export function homeAssistantTopics({ enabled, statusTopic }: HomeAssistantSettings): readonly string[] {
  return enabled ? [statusTopic] : [];
}

/**
 * Tells Home Assistant of the node: at every connection, at its birth message, and when a camera is new. Switched off, it
 * takes back what an earlier start told, and touches nothing where there is none.
 */
export function homeAssistant(options: HomeAssistantOptions): HomeAssistant {
  const { transport, topics, model, log } = options;
  const { homeAssistant: settings, node, stream } = options.settings;
  const topic = discoveryTopic(settings.discoveryPrefix, node.base, topics.node);
  const refusal = refusals(log);
  const cameras = new Set<string>();

  function tell(payload: string): void {
    transport.publish(topic, payload, { qos: 1, retain: true }).then(
      () => refusal.sent(topic),
      (error: unknown) => refusal.refused(topic, error),
    );
  }
  const announce = (): void =>
    tell(JSON.stringify(discoveryMessage({ base: node.base, topics, model, version, cameras: [...cameras] })));

  async function takeBack(): Promise<void> {
    const before = await transport.retained(topic, LOOK_MS);
    if (before === undefined || before.length === 0) return;
    tell("");
    log("info", `Home Assistant is told no more: ${topic} was cleared`);
  }

  const connected$ = transport.state$.pipe(filter(({ kind }) => kind === "connected"));
  if (!settings.enabled) {
    connected$.pipe(take(1)).subscribe(() => void takeBack());
    return { raw$: transport.raw$, camera: () => {} };
  }
  connected$.subscribe(announce);
  transport.raw$.pipe(filter((message) => message.topic === settings.statusTopic)).subscribe((message) => {
    message.settle();
    if (new TextDecoder().decode(message.payload) === birth) announce();
  });
  return {
    raw$: transport.raw$.pipe(filter((message) => message.topic !== settings.statusTopic)),
    camera(name) {
      if (cameras.has(name) || cameras.size >= stream.maxCameras) return;
      cameras.add(name);
      announce();
    },
  };
}
