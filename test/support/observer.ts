import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { connectAsync, type MqttClient } from "mqtt";
import { type JsonMessages, messageSchemas } from "../../src/message/json.ts";
import { topics as topicsOf, type Topics } from "../../src/message/topic.ts";

/** One JSON message of the node, by the topic it came on. */
export interface Said<K extends keyof JsonMessages> {
  readonly topic: string;
  readonly camera: string | null;
  readonly retain: boolean;
  readonly message: JsonMessages[K];
}

/** Everything a node says, in order; each JSON message is held against its published schema. */
export interface Observer {
  readonly client: MqttClient;
  readonly said: { readonly [K in keyof JsonMessages]: Said<K>[] };
  readonly statuses: { readonly text: string; readonly retain: boolean }[];
  /** Payloads of `snapshot`. */
  readonly snapshots: Uint8Array[];
  /**
   * Waits for a message that makes `found` give something, as long as others come.
   * @throws Error that says what was waited for and what came, when nothing but telemetry comes for a while
   */
  until<T>(what: string, found: () => T | undefined | null | false): Promise<T>;
  /** @throws Error when a message came that its schema does not allow */
  end(): Promise<void>;
}

const quietMs = 15_000;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const validators = new Map(
  Object.entries(messageSchemas()).map(([kind, schema]) => [kind, ajv.compile(schema)] as const),
);

/** Its session outlives its connection, so that it misses nothing over a broker's restart. */
export async function observe(url: string, node = "box", version: 4 | 5 = 4): Promise<Observer> {
  const topics = topicsOf("l2p", node);
  const said: Observer["said"] = {
    prediction: [],
    learned: [],
    rejected: [],
    drift: [],
    reply: [],
    telemetry: [],
    manifest: [],
  };
  const statuses: { text: string; retain: boolean }[] = [];
  const snapshots: Uint8Array[] = [];
  const invalid: string[] = [];
  const waiting = new Set<(isNews: boolean) => void>();
  const client = await connectAsync(url, {
    protocolVersion: version,
    clientId: `observer-${Math.random().toString(36).slice(2)}`,
    clean: false,
    reconnectPeriod: 20,
    ...(version === 5 && { properties: { sessionExpiryInterval: 600 } }),
  });

  client.on("message", (topic, payload, { retain }) => {
    const parsed = topics.parse(topic);
    if (parsed.kind === "status") statuses.push({ text: payload.toString(), retain });
    else if (parsed.kind === "snapshot") snapshots.push(Uint8Array.from(payload));
    else take(parsed.kind as keyof JsonMessages, topic, payload, retain);
    for (const look of waiting) look(parsed.kind !== "telemetry");
  });

  function take(kind: keyof JsonMessages, topic: string, payload: Buffer, retain: boolean): void {
    const message = JSON.parse(payload.toString()) as never;
    const validate: ValidateFunction = validators.get(kind)!;
    if (!validate(message)) invalid.push(`${topic}: ${ajv.errorsText(validate.errors)}: ${payload.toString()}`);
    said[kind].push({ topic, camera: topics.cameraOf(topic), retain, message });
  }

  await client.subscribeAsync(filtersOf(topics), { qos: 1 });
  return {
    client,
    said,
    statuses,
    snapshots,
    until: (what, found) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`nothing came for ${quietMs} ms while waiting for ${what}; ${summary()}`));
        }, quietMs);
        function look(isNews: boolean): void {
          if (isNews) timer.refresh();
          const result = found();
          if (result === undefined || result === null || result === false) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(result);
        }
        waiting.add(look);
        look(false);
      }),
    async end() {
      await client.endAsync(true);
      if (invalid.length > 0) throw new Error(`not as their schema says:\n${invalid.join("\n")}`);
    },
  };

  function summary(): string {
    const counts = Object.entries(said).map(([kind, messages]) => `${messages.length} ${kind}`);
    const last = said.rejected.slice(-3).map(({ message }) => `${message.code} (${message.topic})`);
    return `came: ${counts.join(", ")}; status ${statuses.at(-1)?.text}; last rejected: ${last.join(", ") || "none"}`;
  }
}

function filtersOf(topics: Topics): string[] {
  const root = topics.status.slice(0, -"/status".length);
  const ofCamera = ["prediction", "learned", "rejected"].map((name) => `${root}/+/${name}`);
  const { status, telemetry, snapshot, manifest } = topics;
  return [...ofCamera, topics.rejected(null), status, telemetry, snapshot, manifest, `${root}/reply/+`];
}
