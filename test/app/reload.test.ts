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
