import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanUps } from "./support/clean-up.ts";

const script = resolve(import.meta.dirname, "../.ci/run");
const started = cleanUps();
const closing = " Test Files  3 passed (3)\n      Tests  9 passed (9)\n   Duration  1.00s\n";

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  /** What npm was asked for, in order. */
  readonly calls: readonly string[];
}

/** `.ci/run` on a machine where npm says its arguments and fails in one of them. */
async function runCi(failing?: string): Promise<Outcome> {
  const folder = started(await mkdtemp(join(tmpdir(), "l2p-ci-")), (one) => rm(one, { recursive: true }));
  const scripts = {
    npm: `echo "npm $*"; [ "$1" = test ] && printf '${closing}'; [ "$*" != '${failing ?? ""}' ]`,
    mosquitto: "",
    ffmpeg: "",
    chromium: "",
    shellcheck: "",
  };
  for (const [name, body] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const env = { PATH: `${folder}:${process.env["PATH"]}`, TMPDIR: folder };
  return new Promise((done) => {
    execFile(script, { env }, (error, stdout) => {
      const calls = stdout.split("\n").filter((line) => line.startsWith("npm "));
      done({ status: error === null ? 0 : Number(error.code), stdout, calls });
    });
  });
}

describe(".ci/run", () => {
  it("runs everything that `npm run check` does, and its last lines are the test runner's", async () => {
    const { status, stdout, calls } = await runCi();
    expect(status).toBe(0);
    expect(stdout.endsWith(closing)).toBe(true);
    const checks = ["npm ci --no-audit --no-fund", "npm test", ...["types", "lint", "format:check", "unused"].map(run)];
    expect(new Set(calls)).toEqual(new Set(checks));
  });

  it.each(["ci --no-audit --no-fund", "test", "run lint", "run unused"])("fails where npm %s fails", async (call) => {
    const { status, calls } = await runCi(call);
    expect(status).toBe(1);
    expect(calls.at(-1)).toBe(`npm ${call}`);
  });
});

function run(name: string): string {
  return `npm run ${name}`;
}
