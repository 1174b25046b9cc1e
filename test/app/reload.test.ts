import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { reloader } from "../../src/app/reload.ts";
import { parseSettings } from "../../src/settings/load.ts";

it("takes over what can change alive, and says of the rest, as long as it differs, that it needs a restart", () => {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: "warn" }, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
  const applied: string[] = [];
  let text = "log: { level: warn }";
  const load = () => parseSettings(text, "box.yaml", {});
  const reload = reloader({ started: load(), load, apply: (next) => applied.push(next.snapshot.precision), log });
  const told = (): string[] => lines.splice(0).map(({ msg }) => msg);

  text = "log: { level: info }\nbroker: { port: 1884 }";
  reload();
  expect(log.level).toBe("info");
  expect(told()).toEqual([
    'settings: log.level: "warn" → "info"',
    "settings: broker.port: 1883 → 1884 needs a restart",
  ]);
  reload();
  expect(told()).toEqual(["settings: broker.port: 1883 → 1884 needs a restart"]);

  text = "log: { level: loud }\nbroker: { port: 1885 }";
  reload();
  expect(log.level).toBe("info");
  expect(told().join()).toMatch(/^settings are as before: settings\/invalid: box.yaml:1 log.level: must be trace/);

  expect(applied).toEqual(["fp16", "fp16"]);

  text = "log: { level: info }\nsnapshot: { precision: int8 }";
  reload();
  expect(applied.at(-1)).toBe("int8");
  expect(told()).toEqual(['settings: snapshot.precision: "fp16" → "int8"']);

  text = "log: { level: info }";
  reload();
  expect(told()).toEqual(['settings: snapshot.precision: "int8" → "fp16"']);
  reload();
  expect(told()).toEqual(["settings: nothing changed"]);
});

it("says that a new token of the page needs a restart", () => {
  const folder = mkdtempSync(join(tmpdir(), "l2p-reload-"));
  try {
    const token = join(folder, "token");
    writeFileSync(token, "a-token-of-some-length", { mode: 0o600 });
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
    const load = () => parseSettings(`dashboard: { tokenFile: ${token} }`, "box.yaml", {});
    const reload = reloader({ started: load(), load, apply: () => {}, log });
    writeFileSync(token, "another-token-of-some-length");
    reload();
    expect(lines).toEqual(['settings: dashboard token: "[secret]" → "[secret]" needs a restart']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
