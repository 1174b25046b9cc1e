import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { AppError, isAppError } from "../../src/kernel/errors.ts";
import { topics } from "../../src/message/topic.ts";
import { loadSettings, parseSettings, type Variables } from "../../src/settings/load.ts";

const folder = mkdtempSync(join(tmpdir(), "l2p-settings-"));
afterAll(() => rmSync(folder, { recursive: true }));

function faults(text: string, variables: Variables = {}): string[] {
  try {
    parseSettings(text, "box.yaml", variables);
  } catch (error) {
    if (isAppError(error, "settings/invalid")) return error.message.split("\n");
    throw error;
  }
  return [];
}

function fileWith(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe("defaults", () => {
  it("are complete, and named after the host", () => {
    const settings = parseSettings("", "box.yaml", {});
    expect(settings.node.id).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    expect(settings.mqtt).toMatchObject({ version: "auto", keepAliveS: 30, tls: {} });
    expect(settings.stream.labelWindowMs).toBe(600_000);
    expect(settings.warnings).toEqual([]);
    expect(loadSettings(undefined, {})).toEqual(settings);
  });

  it("are frozen through and through", () => {
    const settings = parseSettings("learner: {overrides: {heads: [prompted]}}", "box.yaml", {});
    expect(Object.isFrozen(settings.mqtt.tls)).toBe(true);
    expect(Object.isFrozen(settings.learner.overrides.heads)).toBe(true);
    expect(() => Object.assign(settings.stream, { learnBatch: 1 })).toThrow(TypeError);
  });
});

describe("faults", () => {
  it("are all reported at once, each with line, key, value and what to do", () => {
    const text = ["node:", "  id: box 1", "mqtt:", "  keepalive: 3", "stream:", "  learnBatch: 99"].join("\n");
    expect(faults(text)).toEqual([
      'box.yaml:2 node.id: must be 1 to 64 of A-Z a-z 0-9 . _ -, is "box 1" (Name of this node, its own in all of the broker. Default: the host name.)',
      "box.yaml:4 mqtt.keepalive: unknown key: did you mean `keepAliveS`?",
      "box.yaml:6 stream.learnBatch: must be at most 32, is 99 (Most samples of one update.)",
    ]);
  });

  it("suggest the nearest key, or the section where it belongs", () => {
    expect(faults("strem: {}")).toEqual(["box.yaml:1 strem: unknown key: did you mean `stream`?"]);
    expect(faults("snapshot:\n  learnBatch: 4")).toEqual([
      "box.yaml:2 snapshot.learnBatch: unknown key here: it belongs at `stream.learnBatch`",
    ]);
    expect(faults("log:\n  colour: red")).toEqual(["box.yaml:2 log.colour: unknown key: here may stand level"]);
    expect(faults("model:\n  engine: onx")[0]).toContain('must be onnx or tfjs, is "onx": did you mean onnx?');
  });

  it.each([
    ["mqtt: 5", "box.yaml:1 mqtt: must be a section of keys, is 5"],
    ["- a", 'box.yaml:1: must be a section of keys, is ["a"]'],
    ["snapshot: {keep: 1.5}", "box.yaml:1 snapshot.keep: must be a whole number, is 1.5"],
    ["snapshot: {keep: many}", 'box.yaml:1 snapshot.keep: must be a number, is "many"'],
    ["dashboard: {enabled: 3}", "box.yaml:1 dashboard.enabled: must be true or false, is 3"],
    ["mqtt: {version: 3}", "box.yaml:1 mqtt.version: must be auto or 5 or 4, is 3"],
    ["mqtt: {url: 'http://broker'}", "box.yaml:1 mqtt.url: must be like mqtt://host:1883"],
    ["a: 1\na: 2", "box.yaml:2 Map keys must be unique"],
    ["a: [1", "box.yaml:1 Flow sequence"],
    ["a: !run x", "box.yaml:1 Unresolved tag: !run"],
    ["mqtt: {tls: {caFile: /ca.crt}}", "box.yaml:1 mqtt.tls: has no effect"],
    ["mqtt: {url: 'mqtt://b', passwordFile: /p}", "box.yaml:1 mqtt.passwordFile: needs `username` beside it"],
    ["mqtt: {reconnectMinMs: 90000}", "box.yaml:1 mqtt.reconnectMinMs: is above `reconnectMaxMs`"],
  ])("%s", (text, start) => {
    expect(faults(text)[0]!.slice(0, start.length)).toBe(start);
  });

  it("never show a password", () => {
    const text = "mqtt:\n  url: mqtt://me:sesame@broker\n  password: sesame";
    expect(faults(text)).toHaveLength(2);
    expect(faults(text).join()).not.toContain("sesame");
    expect(faults(text)[1]).toContain("passwordFile");
  });

  it("name a file that cannot be read", () => {
    expect(() => loadSettings(join(folder, "missing.yaml"), {})).toThrow(
      expect.objectContaining({ code: "settings/unreadable" }),
    );
    expect(() => loadSettings(folder, {})).toThrow(expect.objectContaining({ code: "settings/unreadable" }));
  });

  it("are coded, whatever the text", () => {
    const key = fc.constantFrom("mqtt", "url", "tls", "node", "id", "__proto__", "x", "learner", "overrides", "pool");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.dictionary(key, tie("value")),
        fc.dictionary(key, tie("value")),
      ),
    }));
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(..."a : - [ ] { } & * ! | > ' \" # ? ,".split(" "), "\n", " ", "\t") }),
      value.map((v) => JSON.stringify(v)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        // Any error but a coded one is thrown on by `faults`.
        expect(faults(text)).toBeInstanceOf(Array);
      }),
      { numRuns: 300 },
    );
  });

  it("come before a thousand million laughs", () => {
    const lines = ["a0: &a0 [lol]"];
    for (let i = 1; i < 30; i++)
      lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(",")}]`);
    expect(faults(lines.join("\n"))[0]).toContain("Excessive alias count");
  });
});

describe("environment", () => {
  it("overrides the file, texts as they are and others as YAML", () => {
    const settings = parseSettings("mqtt:\n  url: mqtt://a\nstream:\n  learnBatch: 4", "box.yaml", {
      L2P_EDGE_MQTT__URL: "mqtt://b:1884",
      L2P_EDGE_MQTT__USERNAME: "123",
      L2P_EDGE_STREAM__LABEL_WINDOW_MS: "60000",
      L2P_EDGE_DASHBOARD__ENABLED: "false",
      L2P_EDGE_LEARNER__OVERRIDES__HEADS: "[statistics]",
      PATH: "/bin",
    });
    expect(settings.mqtt).toMatchObject({ url: "mqtt://b:1884", username: "123" });
    expect(settings.stream).toMatchObject({ labelWindowMs: 60_000, learnBatch: 4 });
    expect(settings.dashboard.enabled).toBe(false);
    expect(settings.learner.overrides.heads).toEqual(["statistics"]);
  });

  it("is reported by the variable's name", () => {
    expect(faults("", { L2P_EDGE_STREAM__LABEL_WINDOW_MS: "soon" })[0]).toMatch(
      /^L2P_EDGE_STREAM__LABEL_WINDOW_MS: must be a number, is "soon"/,
    );
    expect(faults("", { L2P_EDGE_DASHBOARD__ALLOWED_HOSTS: "[a.example, B]" })[0]).toMatch(
      /^L2P_EDGE_DASHBOARD__ALLOWED_HOSTS 1: must be a host name in small letters/,
    );
    expect(faults("", { L2P_EDGE_MQTT__KEEPALIVE: "5" })).toEqual([
      "L2P_EDGE_MQTT__KEEPALIVE names no setting: did you mean L2P_EDGE_MQTT__KEEP_ALIVE_S?",
    ]);
    expect(faults("", { L2P_EDGE_LOG_LEVEL: "debug" })[0]).toMatch(/^L2P_EDGE_LOG_LEVEL names no setting/);
  });

  it("does not hide that the file is no map", () => {
    expect(faults("- a", { L2P_EDGE_LOG__LEVEL: "debug" })[0]).toContain("must be a section of keys");
  });
});

function withUser(passwordFile: string): string {
  return `mqtt: {url: 'mqtt://broker', username: box, passwordFile: ${JSON.stringify(passwordFile)}}`;
}

describe("secrets", () => {
  it("come from a file's first line and are shown by nothing", () => {
    const settings = parseSettings(withUser(fileWith("password", "sesame\nmore\n")), "box.yaml", {});
    expect(settings.mqttPassword?.reveal()).toBe("sesame");
    expect(settings.warnings).toEqual([]);
    expect(
      [JSON.stringify(settings), inspect(settings, { depth: 9 }), String(settings.mqttPassword)].join(),
    ).not.toContain("sesame");
  });

  it("come with a warning where others can read the file", () => {
    const file = fileWith("open", "sesame", 0o644);
    expect(parseSettings(withUser(file), "box.yaml", {}).warnings).toEqual([
      `${file} can be read by others: chmod 600 it`,
    ]);
  });

  it("come from systemd's credentials where no file is named", () => {
    fileWith("mqtt-password", "open\n");
    fileWith("mqtt-key", "PEM");
    const cert = fileWith("box.crt", "PEM");
    const text = `mqtt: {url: 'mqtts://broker', username: box, tls: {certFile: ${JSON.stringify(cert)}}}`;
    const settings = parseSettings(text, "box.yaml", { CREDENTIALS_DIRECTORY: folder });
    expect(settings.mqttPassword?.reveal()).toBe("open");
    expect(settings.mqtt.tls.keyFile).toBe(join(folder, "mqtt-key"));
    expect(faults(text)[0]).toContain("mqtt.tls.certFile: needs `keyFile` beside it");
  });

  it("are faults where they are missing or empty", () => {
    expect(faults(withUser(join(folder, "nowhere")))[0]).toContain("mqtt.passwordFile: cannot read");
    expect(faults(withUser(fileWith("empty", "\n")))[0]).toContain("its first line is empty");
    const tls = `mqtt: {url: 'mqtts://broker', tls: {caFile: ${JSON.stringify(folder)}}}`;
    expect(faults(tls)[0]).toContain("mqtt.tls.caFile: cannot read");
  });
});

describe("sources", () => {
  const source = (keys: string): string => `sources:\n  gate: {${keys}}`;

  it("have defaults", () => {
    const { sources } = parseSettings(source("kind: rtsp, url: 'rtsp://cam/live'"), "box.yaml", {});
    const defaults = { transport: "tcp", framesPerSecond: 2, stalledMs: 15_000 };
    expect(sources).toEqual({ gate: { kind: "rtsp", url: "rtsp://cam/live", ...defaults } });
    expect(parseSettings("", "box.yaml", {}).sources).toEqual({});
  });

  it.each([
    ["kind: rtps, url: 'rtsp://cam/'", "gate.kind: must have `kind`: rtsp, http-mjpeg, v4l2, file, folder"],
    ["url: 'rtsp://cam/'", "gate.kind: must have `kind`: rtsp, http-mjpeg, v4l2, file, folder"],
    ["kind: rtsp, url: 'http://cam/'", "gate.url: must be like rtsp:// or rtsps://host, without user and password"],
    ["kind: http-mjpeg, url: 'file:///etc/passwd'", "gate.url: must be like http:// or https://host"],
    ["kind: http-mjpeg, url: 'concat:http://cam/'", "gate.url: must be like http:// or https://host"],
    ["kind: v4l2, device: /dev/video0/../sda", "gate.device: must be like /dev/video0"],
    ["kind: file, path: a.mp4, options: -y", "gate.options: unknown key"],
    ["kind: folder, path: a, framesPerSecond: 0", "gate.framesPerSecond: must be more than 0, is 0"],
    ["kind: rtsp, url: 'rtsp://cam/', passwordFile: p", "gate.passwordFile: needs `username` beside it"],
    [
      "kind: rtsp, url: 'rtsp://cam/', username: u, passwordFile: /nowhere/p",
      "gate.passwordFile: cannot read /nowhere/p",
    ],
  ])("refuse {%s}", (keys, fault) => {
    expect(faults(source(keys)).join("\n")).toContain(`box.yaml:2 sources.${fault}`);
  });

  it("show no password of an address that is refused", () => {
    const [fault] = faults(source("kind: rtsp, url: 'rtsp://eve:s3cret@cam/'"));
    expect(fault).toContain('is "rtsp://…@cam/"');
    expect(fault).not.toContain("s3cret");
  });

  it("warn of a password file that others can read", () => {
    const file = fileWith("camera-password", "s3cret\n", 0o644);
    const { warnings, sources } = parseSettings(
      source(`kind: rtsp, url: 'rtsp://cam/', username: u, passwordFile: ${file}`),
      "box.yaml",
      {},
    );
    expect(warnings).toEqual([`${file} can be read by others: chmod 600 it`]);
    expect(JSON.stringify(sources)).not.toContain("s3cret");
  });

  it("are as many as cameras may wait, by names that topics can have", () => {
    const folder = "{kind: folder, path: a}";
    expect(faults(`stream: {maxCameras: 1}\nsources: {a: ${folder}, b: ${folder}}`)).toEqual([
      "box.yaml:2 sources: are more than `stream.maxCameras`",
    ]);
    const box = topics("l2p", "box");
    for (const name of [
      "a b",
      "a/b",
      "",
      "+",
      "status",
      "telemetry",
      "drift",
      "snapshot",
      "statistics",
      "command",
      "reply",
      "rejected",
    ]) {
      expect(() => box.frame(name), name).toThrow(AppError);
      expect(faults(`sources: {${JSON.stringify(name)}: ${folder}}`).join(), name).toContain("is no camera name");
    }
    expect(faults(`sources: {constructor: ${folder}, __proto__: ${folder}}`)).toEqual([]);
  });
});
