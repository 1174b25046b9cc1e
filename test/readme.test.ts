import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { decodeCommand } from "../src/message/command.ts";
import { messageSchemas } from "../src/message/json.ts";
import { topics } from "../src/message/topic.ts";
import { isAlive, settableKeys } from "../src/settings/alive.ts";
import { readEnvironment } from "../src/settings/environment.ts";
import { outlineAt, settingsOutline } from "../src/settings/outline.ts";
import { runCli, runScript } from "./support/cli.ts";
import { picture } from "./support/pictures.ts";

const root = resolve(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const readme = read("README.md");
const examples = readdirSync(join(root, "config")).filter((name) => name.endsWith(".yaml"));

const encoder = new TextEncoder();

/** What people read before they type. */
const documents = new Map(
  [
    "README.md",
    "models/README.md",
    "deploy/README.md",
    "test/results/README.md",
    ...examples.map((name) => `config/${name}`),
  ].map((file) => [file, read(file)]),
);
const all = [...documents.values()].join("\n");

/** The part of README.md under a heading. */
function section(heading: string): string {
  return readme.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
}

/** First groups of all matches. */
function found(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))];
}

const helps = new Map<string, Promise<string>>();

/** A command's help text; of a command that does not exist, its parent's. */
function helpOf(path: readonly string[]): Promise<string> {
  const key = path.join(" ");
  const text = helps.get(key) ?? runCli([...path, "--help"]).then(({ stdout }) => stdout);
  helps.set(key, text);
  return text;
}

async function expectCommand(path: readonly string[]): Promise<void> {
  expect(await helpOf(path), path.join(" ")).toContain(`Usage: l2p-edge ${path.join(" ")}`);
}

/** Groups of commands: their second word is a command too. */
const groups = new Set(["snapshot", "model", "distil", "config"]);
/** One of a command that has arguments of its own too. */
const isInner = (first: string, second: string): boolean =>
  groups.has(first) || `${first} ${second}` === "evaluate report";

describe("README.md", () => {
  it("begins with the two commands", () => {
    const beginning = readme.slice(0, 1000);
    expect(beginning).toContain("npm ci && npm start");
    expect(beginning).toContain("npm ci && npm test");
  });

  it("asks for the Node that package.json asks for", () => {
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    expect(readme).toContain(`Node ${engines.node.replace(">=", "≥ ")}`);
  });

  it("shows messages that fit their schemas", () => {
    const messages = [...readme.matchAll(/```json (\w+)\n(.+)\n```/g)].map(([, kind, json]) => [kind!, json!] as const);
    expect(messages.map(([kind]) => kind)).toEqual(["prediction", "learned", "rejected", "telemetry"]);
    const schemas = new Map(Object.entries(messageSchemas()));
    for (const [kind, json] of messages) {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schemas.get(kind)!);
      validate(JSON.parse(json));
      expect(validate.errors, kind).toBeNull();
    }
  });

  it("lists the topics that there are", () => {
    const of = topics("l2p", "box-1");
    const names = found(/`(<base>\/[^`]+)`/g, section("Messages"));
    const kinds = names.map((name) => {
      const camera = name.replace("<base>/<node>", "l2p/box-1").replace("<camera>", "camera-1");
      return of.parse(camera.replace("<frameId>", "f1").replace("<name>", "snapshot")).kind;
    });
    // `statistics` is reserved and not published yet.
    const inputs = ["frame", "label", "command"];
    const outputs = [
      "prediction",
      "learned",
      "rejected",
      "status",
      "telemetry",
      "drift",
      "snapshot",
      "manifest",
      "reply",
    ];
    expect(new Set(kinds)).toEqual(new Set([...inputs, ...outputs]));
  });

  it("tells each command's payload as the node takes it", () => {
    const rows = [...section("Messages").matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (`\{.+) \|$/gm)];
    const payloads = rows.flatMap(([, names, text]) =>
      found(/`([a-z-]+)`/g, names!).flatMap((name) =>
        found(/`(\{[^`]*\})`/g, text!).map((payload) => [name, payload] as const),
      ),
    );
    for (const [name, payload] of payloads) expect(decodeCommand(name, encoder.encode(payload)).name).toBe(name);
    const pausing = ["pause-learning", "resume-learning"];
    const obeyed = ["snapshot", "restore", "rollback", "forget-label", "rename-label", "set", ...pausing];
    expect(new Set(payloads.map(([name]) => name))).toEqual(new Set(obeyed));
  });

  it("lists what changes while the node runs, and what the command set takes", () => {
    const [reload, set] = section("Settings").split("**While it runs.**")[1]!.split("The command `set`");
    const keysIn = (text: string): string[] => found(/`([a-z]\w+\.\w+)`/gi, text);
    expect(keysIn(set!.split("\n\n")[0]!).filter((key) => key !== "state.folder" && key !== "box.settings")).toEqual([
      ...settableKeys,
    ]);
    // Of two sections all but what is named changes; of the others what is named.
    const named = new Set(keysIn(reload!));
    for (const [name, outline] of settingsOutline.keys) {
      for (const key of outline.keys.keys()) {
        const isNamed = named.has(`${name}.${key}`);
        expect(isAlive(`${name}.${key}`), `${name}.${key}`).toBe(["stream", "snapshot"].includes(name) !== isNamed);
      }
    }
    expect(isAlive("sources.gate.url")).toBe(true);
  });

  it("has a library snippet that runs", async () => {
    const [snippet] = found(/```ts\n([\s\S]+?)```/g, section("As a library"));
    const folder = await mkdtemp(join(tmpdir(), "l2p-readme-"));
    try {
      await writeFile(join(folder, "part.jpg"), await picture("bolt", 1));
      const index = pathToFileURL(join(root, "dist/index.js")).href;
      await writeFile(join(folder, "snippet.mjs"), snippet!.replace('"l2p-edge"', JSON.stringify(index)));
      const { status, stdout, stderr } = await runScript(join(folder, "snippet.mjs"), { cwd: folder });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(/label: 'bolt',\s+confidence: 0\.\d+,/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("names every command in its table", async () => {
    const rows = [...section("Commands").matchAll(/^\| (`.+?) \|/gm)].map(([, cell]) => cell!);
    const named = rows.flatMap((cell) => found(/`([a-z]+(?: [a-z]+)?)/g, cell));
    const existing = found(/^ {2}([a-z]+) /gm, (await helpOf([])).split("Commands:")[1]!);
    const firstWords = named.map((name) => name.split(" ")[0]!);
    expect(new Set(firstWords)).toEqual(new Set(existing.filter((name) => name !== "help")));
    for (const name of named) await expectCommand(name.split(" "));
  });
});

describe("all that people read", () => {
  it.each([...documents].filter(([file]) => file.endsWith(".md")))("%s links to files that are there", (file, text) => {
    const links = found(/\]\(([^)#]+)[^)]*\)/g, text).filter((link) => !/^https?:/.test(link));
    expect(links).not.toEqual([]);
    expect(links.filter((link) => !existsSync(resolve(root, dirname(file), link)))).toEqual([]);
  });

  it("types commands with options that exist", async () => {
    const lines = [...all.matchAll(/(?:l2p-edge|main\.js) ([a-z]+)(?: ([a-z]+))?([^\n`|>]*)/g)];
    const calls = lines.filter(([line]) => / --[a-z]|^npx/.test(line));
    expect(calls.length).toBeGreaterThan(10);
    for (const [line, first, second, rest] of calls) {
      const path = isInner(first!, second!) ? [first!, second!] : [first!];
      await expectCommand(path);
      const help = await helpOf(path);
      for (const flag of found(/ (--[a-z-]+)/g, rest!)) expect(help, line).toContain(`${flag} `);
    }
    const demo = await helpOf(["demo"]);
    for (const flag of found(/npm start -- (--[a-z-]+)/g, all)) expect(demo).toContain(`${flag} `);
    // Options that are named alone belong to some command.
    const helpTexts = (await Promise.all(helps.values())).join("\n");
    for (const flag of found(/`(--[a-z-]+)[ `]/g, readme)) expect(helpTexts).toContain(`${flag} `);
  });

  it("publishes on topics that the node takes", () => {
    const used = found(/mosquitto_pub .*?-t (\S+)/g, all);
    expect(used.length).toBeGreaterThan(4);
    for (const topic of used) expect(["frame", "label", "command"]).toContain(topics("l2p", "box-1").parse(topic).kind);
    for (const [, name, payload] of all.matchAll(/command\/([a-z-]+) -m '(.+)'/g)) {
      expect(decodeCommand(name!, encoder.encode(payload)).name).toBe(name);
    }
  });

  it("names settings and variables that exist", () => {
    const variables = found(/\b(L2P_EDGE_[A-Z_]+)=/g, all);
    expect(variables.length).toBeGreaterThan(2);
    expect(readEnvironment(Object.fromEntries(variables.map((name) => [name, ""]))).faults).toEqual([]);
    const sections = [...settingsOutline.keys.keys()].join("|");
    const keys = found(new RegExp(`\`((?:${sections})\\.[A-Za-z0-9.]+)`, "g"), all.replaceAll("model.safetensors", ""));
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => outlineAt(key.split(".")) === undefined)).toEqual([]);
  });
});
