import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeJson, type JsonMessages } from "../src/message/json.ts";
import { topics } from "../src/message/topic.ts";
import { runCli } from "./support/cli.ts";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(resolve(root, "README.md"), "utf8");

describe("README.md", () => {
  it("begins with the two commands", () => {
    expect(readme.indexOf("npm ci && npm start")).toBeGreaterThan(0);
    expect(readme.indexOf("npm ci && npm test")).toBeLessThan(1000);
  });

  it("links to files that are there", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^https?:/.test(link));
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(resolve(root, link)))).toEqual([]);
  });

  it("shows messages as they are", () => {
    const examples = [...readme.matchAll(/```json (\w+)\n(.+)\n```/g)];
    expect(examples.map(([, kind]) => kind)).toEqual(["prediction", "learned", "rejected", "telemetry"]);
    for (const [, kind, json] of examples) {
      expect(decodeJson(kind as keyof JsonMessages, new TextEncoder().encode(json))).not.toBeNull();
    }
  });

  it("publishes on topics that the node takes", () => {
    const used = [...readme.matchAll(/mosquitto_pub .*?-t (\S+)/g)].map(([, topic]) => topic!);
    expect(used.length).toBeGreaterThan(3);
    for (const topic of used) expect(["frame", "label", "command"]).toContain(topics("l2p", "box-1").parse(topic).kind);
  });

  it("names commands and options that exist", async () => {
    const lines = [...readme.matchAll(/npx l2p-edge ([a-z]+)([^\n`]*)/g)];
    expect(lines.length).toBeGreaterThan(1);
    for (const [, command, rest] of lines) {
      const { status, stdout } = await runCli([command!, "--help"]);
      expect(status).toBe(0);
      for (const [flag] of rest!.matchAll(/--[a-z-]+/g)) expect(stdout).toContain(flag);
    }
  });
});
