import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { followLevel, type LiveSettings, liveSettings } from "../../src/app/live-settings.ts";
import { settableKeys } from "../../src/settings/alive.ts";
import { parseSettings } from "../../src/settings/load.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "l2p-live-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const loaded = (text: string) =>
  parseSettings(`${text}\nnode: { id: box }\nstate: { folder: ${join(folder, "state")} }`, "box.yaml", {});

/** Settings as a node has them, with what they told and how often they told of a change. */
function started(text: string): LiveSettings & { readonly told: () => string[]; readonly changes: () => number } {
  const lines: string[] = [];
  const live = liveSettings(loaded(text), (level, message) => void lines.push(`${level} ${message}`));
  let changes = 0;
  live.changed$.subscribe(() => (changes += 1));
  return { ...live, told: () => lines.splice(0), changes: () => changes };
}

describe("a reload", () => {
  it("changes what holds for whoever has a section, and says of the rest, as long as it differs, that it needs a restart", () => {
    const live = started("log: { level: warn }");
    const { stream, log, broker, snapshot } = live.settings;
    live.reload(loaded("log: { level: info }\nstream: { labelWindowMs: 5000 }\nbroker: { port: 1884 }"));
    expect([stream.labelWindowMs, log.level, broker.port]).toEqual([5000, "info", 1883]);
    expect(live.told()).toEqual([
      "info settings: stream.labelWindowMs: 600000 → 5000",
      'info settings: log.level: "warn" → "info"',
      "warn settings: broker.port: 1883 → 1884 needs a restart",
    ]);
    live.reload(loaded("log: { level: info }\nsnapshot: { precision: int8 }\nbroker: { port: 1884 }"));
    expect([stream.labelWindowMs, snapshot.precision]).toEqual([600_000, "int8"]);
    expect(live.told()).toEqual([
      "info settings: stream.labelWindowMs: 5000 → 600000",
      'info settings: snapshot.precision: "fp16" → "int8"',
      "warn settings: broker.port: 1883 → 1884 needs a restart",
    ]);
    live.reload(loaded("log: { level: info }\nsnapshot: { precision: int8 }"));
    expect(live.told()).toEqual(["info settings: nothing changed"]);
    expect(live.changes()).toBe(3);
  });

  it("takes cameras over, added, changed and gone, and shows no password of theirs", () => {
    const camera = (url: string): string => `sources: { gate: { kind: http-mjpeg, url: "${url}" } }`;
    const live = started(camera("http://cam/a?pwd=s3cret"));
    live.reload(loaded(camera("http://cam/b?pwd=0ther")));
    expect(live.settings.sources["gate"]).toMatchObject({ url: "http://cam/b?pwd=0ther" });
    const told = live.told().join();
    expect(told).toContain("settings: sources.gate.url: ");
    expect(told).not.toMatch(/s3cret|0ther|restart/);
    live.reload(loaded(""));
    expect(live.settings.sources).toEqual({});
  });

  it("says that a new token of the page needs a restart", () => {
    const token = join(folder, "token");
    const text = `dashboard: { tokenFile: ${token} }`;
    writeFileSync(token, "a-token-of-some-length", { mode: 0o600 });
    const live = started(text);
    writeFileSync(token, "another-token-of-some-length");
    live.reload(loaded(text));
    expect(live.told()).toEqual(['warn settings: dashboard token: "[secret]" → "[secret]" needs a restart']);
  });

  it("moves the log's level, also back", () => {
    const live = started("log: { level: warn }");
    const log = pino({ level: "error" });
    followLevel(live, log);
    expect(log.level).toBe("error"); // its maker's choice, until it changes
    live.reload(loaded("log: { level: debug }"));
    expect(log.level).toBe("debug");
    live.reload(loaded("log: { level: warn }"));
    expect(log.level).toBe("warn");
  });
});

describe("set", () => {
  it("changes a setting at once and for the next start, and gives the old and the new value", async () => {
    const live = started("");
    const change = await live.set("stream.telemetryMs", 1000);
    expect(change).toEqual({ key: "stream.telemetryMs", before: 5000, after: 1000 });
    expect(live.settings.stream.telemetryMs).toBe(1000);
    expect(live.setByCommand()).toEqual({ "stream.telemetryMs": 1000 });
    expect(live.told()).toEqual(["info settings: stream.telemetryMs: 5000 → 1000"]);

    const next = started("");
    expect(next.settings.stream.telemetryMs).toBe(1000);
    expect(next.told()).toEqual(["info settings: stream.telemetryMs is 1000, by the command set"]);
    const log = pino({ level: "info" });
    await next.set("log.level", "debug");
    followLevel(started(""), log);
    expect(log.level).toBe("debug");
  });

  it("goes back to the configuration by null, and by its own value", async () => {
    const live = started("stream: { learnBatch: 4 }");
    await live.set("stream.learnBatch", 2);
    expect(await live.set("stream.learnBatch", null)).toEqual({ key: "stream.learnBatch", before: 2, after: 4 });
    await live.set("stream.learnBatch", 2);
    await live.set("stream.learnBatch", 4);
    expect(live.setByCommand()).toEqual({});
    expect(started("stream: { learnBatch: 4 }").told()).toEqual([]);
  });

  it("holds as long as the configuration says the same: the last change counts", async () => {
    const live = started("stream: { learnBatch: 4 }");
    await live.set("stream.learnBatch", 2);
    await live.set("snapshot.publish", false);
    live.told();
    live.reload(loaded("stream: { learnBatch: 4, labelWindowMs: 5000 }"));
    expect(live.settings.stream).toMatchObject({ learnBatch: 2, labelWindowMs: 5000 });
    live.told();
    live.reload(loaded("stream: { learnBatch: 6, labelWindowMs: 5000 }"));
    expect(live.settings.stream.learnBatch).toBe(6);
    expect(live.told()).toEqual([
      "info settings: stream.learnBatch was set to 2 by command; the configuration has changed since",
      "info settings: stream.learnBatch: 2 → 6",
    ]);
    expect(live.setByCommand()).toEqual({ "snapshot.publish": false });
    await live.set("snapshot.everyMs", 1000); // after the write before it
    expect(Object.keys(started("stream: { learnBatch: 6 }").setByCommand())).toEqual([
      "snapshot.publish",
      "snapshot.everyMs",
    ]);
    // Changed while the node was off.
    const later = started("snapshot: { publish: true, everyMs: 2000 }");
    expect(later.setByCommand()).toEqual({ "snapshot.publish": false });
    expect(later.settings.snapshot).toMatchObject({ publish: false, everyMs: 2000 });
  });

  it("takes each key of its list and its value as the configuration would", async () => {
    const live = started("");
    for (const key of settableKeys) {
      const [section, name] = key.split(".") as ["stream", "telemetryMs"];
      const change = await live.set(key, live.settings[section][name]);
      expect(change.after).toBe(change.before);
    }
  });

  it.each([
    [
      "stream.labelWindow",
      1,
      "command/not-settable",
      /^stream.labelWindow is none of them: did you mean stream.labelWindowMs\?; set takes log.level, /,
    ],
    ["telemetryMs", 1, "command/not-settable", /did you mean stream.telemetryMs\?/],
    ["sources.gate.url", "http://evil/", "command/not-settable", /^sources.gate.url is none of them; set takes /],
    ["state.folder", "/", "command/not-settable", /none of them/],
    ["__proto__.x", 1, "command/not-settable", /none of them/],
    [
      "stream.telemetryMs",
      1,
      "settings/invalid",
      /^stream.telemetryMs: must be at least 100, is 1 \(Period of telemetry/,
    ],
    ["stream.learnBatch", "8", "settings/invalid", /must be a number, is "8"/],
    ["log.level", "loud", "settings/invalid", /must be trace or debug or info/],
    ["snapshot.publish", "no", "settings/invalid", /must be true or false/],
  ] as const)("refuses %s = %s, and nothing changes", async (key, value, code, detail) => {
    const live = started("");
    await expect(live.set(key, value)).rejects.toMatchObject({ code, message: expect.stringMatching(detail) });
    expect(live.setByCommand()).toEqual({});
    expect([live.told(), live.changes()]).toEqual([[], 0]);
  });

  it("changes nothing that cannot be kept", async () => {
    const live = started("");
    writeFileSync(join(folder, "state"), "in the folder's place");
    await expect(live.set("stream.learnBatch", 2)).rejects.toMatchObject({ code: "store/io" });
    expect(live.settings.stream.learnBatch).toBe(8);
    rmSync(join(folder, "state"));
    await live.set("stream.learnBatch", 2);
    expect(live.settings.stream.learnBatch).toBe(2);
  });

  it("sets a damaged file aside, loudly; passes over what it does not know or no longer takes", async () => {
    await started("").set("stream.learnBatch", 2);
    const file = join(folder, "state", "settings.json");
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, whole.slice(0, -5));
    const live = started("");
    expect(live.told().join()).toMatch(/^error settings.json in .* is damaged and was set aside/);
    expect(live.settings.stream.learnBatch).toBe(8);
    expect(readdirSync(join(folder, "state"))).toEqual(["settings.json.corrupt"]);
    const entry = { value: 1000, over: 8 };
    writeFileSync(
      file,
      JSON.stringify({ v: 1, settings: { "stream.learnBatch": entry, "state.folder": { value: "/", over: "x" } } }),
    );
    expect(started("").settings).toMatchObject({ stream: { learnBatch: 8 }, state: { folder: join(folder, "state") } });
  });
});
