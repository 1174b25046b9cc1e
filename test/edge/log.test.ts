import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { LogOptions } from "../../src/edge/log.ts";

/** The log writes to the process's own stderr, so each case is a process, on the compiled program (`npm run build`). */
function logged(options: LogOptions, body: string): { readonly stdout: string; readonly stderr: string } {
  const log = pathToFileURL(resolve(import.meta.dirname, "../../dist/edge/log.js")).href;
  const errors = pathToFileURL(resolve(import.meta.dirname, "../../dist/kernel/errors.js")).href;
  const script = `import { createLog } from ${JSON.stringify(log)};
    import { appError } from ${JSON.stringify(errors)};
    const log = createLog(${JSON.stringify(options)});
    ${body}`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(run.status, run.stderr).toBe(0);
  return run;
}

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the log", () => {
  it("is one JSON object a line on stderr where nobody watches; stdout stays free", () => {
    const { stdout, stderr } = logged({ level: "info", node: "box" }, `log.info({ frames: 3 }, "two\\nlines");`);
    expect(stdout).toBe("");
    const [line, ...more] = lines(stderr);
    expect(more).toEqual([]);
    expect(line).toMatchObject({ level: "info", node: "box", frames: 3, msg: "two\nlines" });
    expect(new Date(line!["time"] as string).toISOString()).toBe(line!["time"]);
  });

  it("leaves out what is below its level", () => {
    const all = `for (const level of ["trace", "debug", "info", "warn", "error"]) log[level](level);`;
    const seen = (level: LogOptions["level"]): unknown[] =>
      lines(logged({ level, node: "box" }, all).stderr).map(({ msg }) => msg);
    expect(seen("warn")).toEqual(["warn", "error"]);
    expect(seen("trace")).toHaveLength(5);
    expect(seen("silent")).toEqual([]);
  });

  it("tells an error's code and its causes", () => {
    const { stderr } = logged(
      { level: "info", node: "box" },
      `log.error({ err: appError("store/io", "no checkpoint", { cause: new Error("disk on fire") }) }, "failed");`,
    );
    const { err } = lines(stderr)[0] as { err: { code: string; message: string; stack: string } };
    expect(err.code).toBe("store/io");
    expect(`${err.message} ${err.stack}`).toContain("disk on fire");
  });

  it.each([true, false])("never tells a secret (readable: %s)", (pretty) => {
    const { stderr } = logged(
      { level: "info", node: "box", pretty },
      `const secret = "hunter2";
      log.info({ password: secret, mqtt: { password: secret, username: "cam" } }, "a");
      log.info({ settings: { mqtt: { passphrase: secret } }, headers: { authorization: secret } }, "b");
      log.error({ err: Object.assign(new Error("refused"), { options: { password: secret } }) }, "c");`,
    );
    expect(stderr).not.toContain("hunter2");
    expect(stderr).toContain("[secret]");
    expect(stderr).toContain("cam");
  });

  it("says each line's severity to systemd's journal, and to nothing else", () => {
    const levels = ["trace", "debug", "info", "warn", "error"];
    const all = `for (const level of ${JSON.stringify(levels)}) log[level](level);`;
    const journal = 'const { dev, ino } = (await import("node:fs")).fstatSync(2, { bigint: true });';
    const told = (place: string): string =>
      `${journal} process.env.JOURNAL_STREAM = ${place}; const log = createLog({ level: "trace", node: "box" }); ${all}`;
    const options: LogOptions = { level: "silent", node: "box" };
    const seen = logged(options, `{ ${told("`${dev}:${ino}`")} }`)
      .stderr.trim()
      .split("\n");
    expect(seen.map((line) => line.slice(0, 4))).toEqual(["<7>{", "<7>{", "<6>{", "<4>{", "<3>{"]);
    expect(seen.map((line) => (JSON.parse(line.slice(3)) as { msg: string }).msg)).toEqual(levels);
    // A service whose stderr goes to a file inherits the variable.
    const file = logged(options, `{ ${told("`${dev}:${ino + 1n}`")} }`).stderr;
    expect(lines(file).map(({ msg }) => msg)).toEqual(levels);
  });

  it("is readable on a terminal", () => {
    const { stderr } = logged({ level: "info", node: "box", pretty: true }, `log.warn({ frames: 3 }, "slow");`);
    expect(stderr).toMatch(/\d\d:\d\d:\d\d.*WARN.*slow/s);
    expect(stderr).not.toContain('"msg"');
  });
});
