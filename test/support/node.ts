import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { type RunningService, startService } from "../../src/app/service.ts";
import { parseSettings } from "../../src/settings/load.ts";
import { tinyModel, writeModel } from "./tiny-model.ts";

/** Sections and keys of a configuration file. */
export type Config = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const main = resolve(import.meta.dirname, "../../dist/cli/main.js");

/** A temporary folder with the tiny random ViT in it, for one test's nodes. */
export interface Workplace {
  readonly folder: string;
  readonly model: string;
  /** A node on this model: quick to reconnect, without a page, often telling telemetry; each section to be overridden. */
  config(more?: Config): Config;
  /** Names of the checkpoints that its node wrote, oldest first. */
  checkpoints(): Promise<string[]>;
  remove(): Promise<void>;
}

/** @param seed Of the model's weights: another seed is another model. */
export async function workplace(seed = 1): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "l2p-node-"));
  await writeModel(folder, tinyModel({}, seed));
  return {
    folder,
    model: folder,
    config: (more = {}) =>
      merged({ ...base, model: { ...base.model, path: folder }, state: { folder: join(folder, "state") } }, more),
    checkpoints: async () => (await readdir(join(folder, "state", "checkpoints"))).toSorted(),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const base = {
  node: { id: "box" },
  mqtt: { reconnectMinMs: 20, reconnectMaxMs: 200 },
  broker: { port: 0 },
  model: { provider: "cpu", threads: 1 },
  stream: { telemetryMs: 100 },
  snapshot: { everyMs: 0, everyLearned: 0 },
  dashboard: { enabled: false },
} as const;

function merged(one: Config, more: Config): Config {
  const sections = [...new Set([...Object.keys(one), ...Object.keys(more)])];
  return Object.fromEntries(sections.map((name) => [name, { ...one[name], ...more[name] }]));
}

/** A node in this process, with what it logged. */
export interface Node extends RunningService {
  readonly log: readonly string[];
}

export async function startNode(config: Config, signal?: AbortSignal): Promise<Node> {
  const log: string[] = [];
  const logger = pino({ level: "info" }, { write: (line) => void log.push(line) });
  // YAML takes JSON.
  const service = await startService(parseSettings(JSON.stringify(config), "test", {}), logger, signal);
  return { ...service, log };
}

/** A node as a person starts it: `l2p-edge run`, a process of its own. */
export interface NodeProcess {
  readonly child: ChildProcess;
  /** What it logged. */
  stderr(): string;
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** @param nodeArgs Of Node.js itself. */
export async function spawnNode(
  config: Config | string,
  folder: string,
  nodeArgs: readonly string[] = [],
): Promise<NodeProcess> {
  if (!existsSync(main)) throw new Error(`${main} is not there: run \`npm run build\` first`);
  const file = join(folder, "config.yaml");
  await writeFile(file, typeof config === "string" ? config : JSON.stringify(config));
  const child = spawn(process.execPath, [...nodeArgs, main, "run", "--config", file], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exited = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
  return {
    child,
    stderr: () => stderr,
    exited,
    kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}
