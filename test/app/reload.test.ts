import { pino } from "pino";
import { expect, it } from "vitest";
import { reloader } from "../../src/app/reload.ts";
import { appError } from "../../src/kernel/errors.ts";
import { parseSettings } from "../../src/settings/load.ts";

it("hands over what it read, and nothing of a file with faults, which it tells", () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  const applied: string[] = [];
  let text = "log: { level: debug }";
  const load = () => parseSettings(text, "box.yaml", {});
  const reload = reloader({ load, apply: (next) => applied.push(next.log.level), log });
  reload();
  expect([applied, lines]).toEqual([["debug"], []]);

  text = "log: { level: loud }\nbroker: { port: 1885 }";
  reload();
  expect(applied).toEqual(["debug"]);
  expect(lines.join()).toMatch(/^settings are as before: settings\/invalid: box.yaml:1 log.level: must be trace/);
});

it("lets a bug out", () => {
  const load = () => {
    throw new TypeError("bug");
  };
  expect(reloader({ load, apply: () => {}, log: pino({ level: "silent" }) })).toThrow("bug");
  const unreadable = () => {
    throw appError("settings/unreadable", "cannot read box.yaml");
  };
  reloader({ load: unreadable, apply: () => {}, log: pino({ level: "silent" }) })();
});
