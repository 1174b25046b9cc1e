import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeChange, settingChanges } from "../../src/settings/difference.ts";
import { parseSettings } from "../../src/settings/load.ts";
import { settingsWithOrigins } from "../../src/settings/origins.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "l2p-origins-"));
  file = join(folder, "box.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("where each setting comes from", () => {
  const of = (variables = {}): Map<string, { value: unknown; origin: string }> =>
    new Map(settingsWithOrigins(file, variables).map(({ path, value, origin }) => [path.join("."), { value, origin }]));

  it("is a default, a line of the file, a variable, or this machine", () => {
    writeFileSync(file, "broker:\n  port: 1884\nstream: { labelWindowMs: 1 }\n");
    const all = of({ L2P_EDGE_STREAM__LABEL_WINDOW_MS: "60000" });
    expect(all.get("broker.port")).toEqual({ value: 1884, origin: `${file}:2` });
    expect(all.get("stream.labelWindowMs")).toEqual({ value: 60_000, origin: "L2P_EDGE_STREAM__LABEL_WINDOW_MS" });
    expect(all.get("mqtt.keepAliveS")).toEqual({ value: 30, origin: "default" });
    expect(all.get("node.id")!.origin).toBe("this machine");
    expect(hostname()).toContain(String(all.get("node.id")!.value).slice(0, 4));
  });

  it("is what the command set changed, as long as the file says what it said then", () => {
    const state = join(folder, "state");
    mkdirSync(state);
    const settings = { "stream.learnBatch": { value: 2, over: 8 }, "stream.telemetryMs": { value: 1000, over: 5000 } };
    writeFileSync(join(state, "settings.json"), JSON.stringify({ v: 1, settings }));
    writeFileSync(file, `state: { folder: ${state} }\nstream:\n  telemetryMs: 2000\n`);
    const all = of();
    expect(all.get("stream.learnBatch")).toEqual({ value: 2, origin: `set by command, ${state}/settings.json` });
    expect(all.get("stream.telemetryMs")).toEqual({ value: 2000, origin: `${file}:3` });
  });

  it("shows no password", () => {
    const password = join(folder, "password");
    writeFileSync(password, "very-hidden\n", { mode: 0o600 });
    writeFileSync(file, `mqtt: { url: "mqtt://broker", username: u, passwordFile: ${password} }\n`);
    const text = JSON.stringify([...of()]);
    expect(text).toContain(password);
    expect(text).not.toContain("very-hidden");
  });
});

const camera = (url: string): string => `sources: { gate: { kind: http-mjpeg, url: "${url}" } }\nnode: { id: a }`;

describe("an address's path and query, where cameras take passwords", () => {
  it("is not shown", () => {
    writeFileSync(file, camera("http://cam:81/v.mjpg?user=a&pwd=s3cret"));
    const all = settingsWithOrigins(file, {});
    expect(all.find(({ path }) => path.join(".") === "sources.gate.url")!.value).toBe("http://cam:81/…");
    expect(JSON.stringify(all)).not.toContain("s3cret");
  });

  it("is not told when it changed, but that it did", () => {
    const before = parseSettings(camera("http://cam/v.mjpg?user=a&pwd=s3cret"), "", {});
    const after = parseSettings(camera("http://cam/v.mjpg?user=a&pwd=0ther"), "", {});
    expect(settingChanges(before, after).map(describeChange)).toEqual([
      'sources.gate.url: "http://cam/…" → "http://cam/…"',
    ]);
  });

  it.each([
    ["ftp://cam/v.mjpg?user=a&pwd=s3cret", "ftp://cam/…"],
    ["ftp://cam/s3cret/v.mjpg", "ftp://cam/…"],
    ["ftp://cam/a s3cret", "ftp://cam/…"],
    ["ftp://cam?pwd=s3cret", "ftp://cam?…"],
    ["http://eve:s3cret@cam:81/v", "http://…@cam:81/…"],
    ["http://eve:s3cret@cam/v?pwd=s3cret@x", "http://…"],
    ["http://eve:s3/cret@cam/v", "http://…"],
    ["http://eve:s3?cret@cam/v", "http://…"],
    ["ftp://cam?user=a@b&pwd=s3cret", "ftp://…"],
  ])("is not in the fault of %s", (url, shown) => {
    expect(() => parseSettings(camera(url), "", {})).toThrow(`is "${shown}"`);
  });
});

describe("what changed", () => {
  it("is told by key, with both values, absent ones too", () => {
    const before = parseSettings("stream: { labelWindowMs: 1000 }\nnode: { id: a }", "", {});
    const after = parseSettings("stream: { labelWindowMs: 2000 }\nnode: { id: a }\nmonitor: { port: 9464 }", "", {});
    expect(settingChanges(before, after).map(describeChange)).toEqual([
      "stream.labelWindowMs: 1000 → 2000",
      "monitor.port: none → 9464",
    ]);
    expect(settingChanges(before, before)).toEqual([]);
  });

  it("tells that a password is another, and not which", () => {
    const password = join(folder, "password");
    const text = `mqtt: { url: "mqtt://broker", username: u, passwordFile: ${password} }`;
    writeFileSync(password, "one", { mode: 0o600 });
    const before = parseSettings(text, "", {});
    writeFileSync(password, "two");
    expect(settingChanges(before, parseSettings(text, "", {})).map(describeChange)).toEqual([
      'mqtt password: "[secret]" → "[secret]"',
    ]);
  });

  it("tells that the page's token is another, and not which", () => {
    const token = join(folder, "token");
    const text = `dashboard: { tokenFile: ${token} }`;
    writeFileSync(token, "a-token-of-some-length", { mode: 0o600 });
    const before = parseSettings(text, "", {});
    writeFileSync(token, "another-token-of-some-length");
    expect(settingChanges(before, parseSettings(text, "", {})).map(describeChange)).toEqual([
      'dashboard token: "[secret]" → "[secret]"',
    ]);
  });
});
