import { z } from "zod";
import { driftSchema } from "./drift-schema.ts";
import { learnerSchema } from "./learner-schema.ts";
import { sourcesSchema } from "./sources-schema.ts";
import type { Settings } from "./types.ts";
import { streamSchema } from "./stream-schema.ts";
import { atLeast, bytes, milliseconds, path, port, section, seconds, topicPattern } from "./keys.ts";

const node = section("Who this box is in the topics <base>/<id>/…", {
  id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -")
    .optional()
    .describe("Name of this node, its own in all of the broker. Default: the host name."),
  base: z
    .string()
    .regex(topicPattern, "must be levels of A-Z a-z 0-9 . _ - with / between")
    .default("l2p")
    .describe("First levels of every topic."),
});

const tls = section("TLS; only with a mqtts:// address. The broker's certificate is always verified.", {
  caFile: path("CA that signed the broker's certificate, PEM. Default: the system's CAs."),
  certFile: path("This node's own certificate, PEM, where the broker asks for one; with keyFile."),
  keyFile: path("Private key of certFile, PEM. Default: the systemd credential mqtt-key."),
  serverName: z.string().min(1).optional().describe("Name in the broker's certificate. Default: the host in mqtt.url."),
});

const mqtt = section("The broker.", {
  url: z
    .string()
    .refine(isBrokerUrl, "must be like mqtt://host:1883 or mqtts://host:8883, without user or path")
    .optional()
    .describe("mqtt://host[:1883], or mqtts://host[:8883] for TLS. Default: a broker inside this process, see broker."),
  version: z
    .literal(["auto", 5, 4])
    .default("auto")
    .describe("5, 4 (MQTT 3.1.1), or auto: 5, and 3.1.1 where the broker does not speak it."),
  clientId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, "must be 1 to 128 of A-Z a-z 0-9 . _ -")
    .optional()
    .describe("The broker keeps waiting labels by it: one node's own. Default: from node.base and node.id."),
  username: z.string().min(1).optional().describe("User at the broker; with passwordFile."),
  passwordFile: path("File whose first line is the password; mode 600. Default: the systemd credential mqtt-password."),
  tls,
  keepAliveS: seconds(5, 30)
    .max(65_535)
    .describe("Seconds between signs of life; the broker publishes `offline` after 1.5 of it."),
  connectTimeoutMs: milliseconds(100, 10_000).describe("How long the broker may take to answer, ms."),
  reconnectMinMs: milliseconds(10, 500).describe("First wait before connecting again, ms; doubles each time."),
  reconnectMaxMs: milliseconds(10, 30_000).describe("Longest wait before connecting again, ms."),
  sessionExpiryS: seconds(1, 7 * 24 * 3600)
    .max(0xffff_fffe)
    .describe("How long the broker keeps labels for this node while it is away, s. Only MQTT 5 knows it."),
  receiveWindow: atLeast(1, 256).max(65_535).describe("Labels on their way to the disk at once."),
  maxLabelBytes: bytes(1024, 65_536).describe("Largest label or command; larger ones are rejected."),
  outboxMaxMessages: atLeast(1, 10_000).describe("QoS 1 messages kept in memory while the broker is away."),
  outboxMaxBytes: bytes(65_536, 32 * 2 ** 20).describe("The same in bytes."),
  whenOutboxFull: z
    .enum(["drop-oldest", "drop-newest"])
    .default("drop-oldest")
    .describe("What gives way at these bounds."),
  queueMaxBytes: bytes(0, 64 * 2 ** 20).describe(
    "learned and rejected messages kept on disk until the broker has them, over restarts too; 0: in memory only.",
  ),
  whenQueueFull: z
    .enum(["drop-oldest", "drop-newest"])
    .default("drop-oldest")
    .describe("What gives way at that bound; the oldest an eighth of it at a time."),
});

const broker = section("The broker inside this process, for one box: on 127.0.0.1, without users, not durable.", {
  port: port(1883).describe("0: any free one."),
});

const model = section("The frozen backbone.", {
  path: path(
    "The name of an installed model (see l2p-edge model list), a .safetensors file, or a folder with one and its manifest. Default: the embedded backbone.",
  ),
  precision: z
    .enum(["fp32", "fp16", "int8"])
    .optional()
    .describe(
      "The variant of the model that is taken (see l2p-edge model convert), to snapshots another model. Default: the model as it is.",
    ),
  engine: z.enum(["onnx", "tfjs"]).default("onnx").describe("tfjs runs where ONNX Runtime cannot, much slower."),
  provider: z
    .enum(["auto", "cpu", "cuda", "tensorrt"])
    .default("auto")
    .describe("ONNX Runtime's execution provider; auto takes CUDA where it starts, else the CPU."),
  threads: atLeast(0, 0).max(256).describe("CPU threads; 0: the runtime's choice."),
  warmUpMs: milliseconds(1000, 30 * 60_000).describe(
    "How long the engine may take to start, ms; TensorRT builds its engines in it. Then the node gives up, with a code.",
  ),
  tensorrt: section("Of the provider tensorrt. Its engines are kept in engines/ of state.folder.", {
    fp16: z
      .boolean()
      .default(false)
      .describe("Half precision where TensorRT finds it faster; answers differ slightly."),
    batch: atLeast(1, 1)
      .max(32)
      .describe("Images of one forward: its engines take exactly so many, fewer cost the same."),
  }),
});

const snapshot = section("Checkpoints on disk and the snapshot that is published.", {
  everyLearned: atLeast(0, 100).describe("After so many learned labels; 0: never for this reason."),
  everyMs: milliseconds(0, 5 * 60_000).describe("After so long, when something was learned; 0: never for this reason."),
  precision: z.enum(["fp16", "int8"]).default("fp16").describe("Of the published snapshot; checkpoints are exact."),
  keep: atLeast(1, 3).max(1000).describe("Checkpoints kept on disk."),
  publish: z.boolean().default(true).describe("Publish the compact snapshot, retained."),
  warmStart: z
    .string()
    .regex(topicPattern, "must be a topic without wildcards")
    .optional()
    .describe("Topic of a retained snapshot that a node without state starts from, for example l2p/box-1/snapshot."),
});

const state = section("What must survive a restart.", {
  folder: z.string().min(1).default("state").describe("Journal and checkpoints. Relative to the working directory."),
  journalMaxBytes: bytes(2 ** 20, 256 * 2 ** 20).describe("Labels (with their frames) not yet in a checkpoint."),
});

const dashboard = section("The live page.", {
  enabled: z.boolean().default(true),
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Anything but this machine's own address needs a token; there is no TLS."),
  port: port(8080).describe("0: any free one."),
  allowedHosts: z
    .array(
      z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, "must be a host name in small letters, without port"),
    )
    .max(16)
    .default([])
    .describe("Names by which a proxy or people reach it, beside localhost and IP addresses; others get 421."),
  teach: z.boolean().default(false).describe("Whoever sees the page may teach and send commands. Else it only shows."),
  tokenFile: path(
    "File whose first line is the token that the page asks for; 16 or more characters, mode 600. Default: the systemd credential dashboard-token.",
  ),
});

const monitor = section(
  "For machines: /metrics (Prometheus), /health and /ready, without frames. The page has them too.",
  {
    host: z
      .string()
      .min(1)
      .default("127.0.0.1")
      .describe("Anyone who reaches this address reads the numbers; there is no login."),
    port: z.int().min(0).max(65_535).optional().describe("Default: none of its own, only the page's. 0: any free one."),
    stalledMs: milliseconds(1000, 120_000).describe("Work that does not advance for so long makes /health say 503."),
  },
);

const homeAssistant = section("The node as a device of Home Assistant, by its MQTT discovery.", {
  enabled: z
    .boolean()
    .default(false)
    .describe("Tell it of this node, retained. Switched off again, the next start takes it back."),
  discoveryPrefix: z
    .string()
    .regex(topicPattern, "must be a topic without wildcards")
    .default("homeassistant")
    .describe("As in Home Assistant's MQTT options."),
  statusTopic: z
    .string()
    .regex(topicPattern, "must be a topic without wildcards")
    .default("homeassistant/status")
    .describe("Where it says `online` when it was started; the node is told anew then."),
});

const log = section("JSON lines, or readable ones on a terminal.", {
  level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
});

const shape = {
  node,
  mqtt,
  broker,
  model,
  learner: learnerSchema,
  stream: streamSchema,
  drift: driftSchema,
  snapshot,
  state,
  dashboard,
  monitor,
  homeAssistant,
  sources: sourcesSchema,
  log,
};

/** Every key with its bounds, default and meaning; unknown keys are refused. */
export const settingsSchema: z.ZodType<Settings> = z.strictObject(shape);

/** The schema for editors: of what a file may say. */
export function settingsJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(settingsSchema, { io: "input" });
  // `$schema` is allowed in no configuration: the editor finds the schema by the comment in the first line.
  return { $schema, title: "l2p-edge configuration", ...rest };
}

function isBrokerUrl(text: string): boolean {
  const url = parse(text);
  if (url === null || (url.protocol !== "mqtt:" && url.protocol !== "mqtts:")) return false;
  const bare = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return bare && url.hostname !== "" && (url.pathname === "" || url.pathname === "/");
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
