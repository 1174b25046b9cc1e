import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { hasProgram } from "../support/tools.ts";

const deploy = resolve(import.meta.dirname, "../../deploy");

/** All shell scripts below deploy/, by their first line. */
const scripts = readdirSync(deploy, { recursive: true, encoding: "utf8" })
  .filter((name) => statSync(join(deploy, name)).isFile())
  .filter((name) => /^#!.*\bsh\b|^#!.*\bbash\b/.test(readFileSync(join(deploy, name), "utf8").split("\n", 1)[0]!));

describe("the scripts in deploy/", () => {
  it("are there, and can be executed", () => {
    const expected = ["install.sh", "stage.sh", "debian/build.sh", "debian/postinst", "mosquitto/make-certificates.sh"];
    expect(scripts).toEqual(expect.arrayContaining(expected));
    expect(scripts.filter((name) => (statSync(join(deploy, name)).mode & 0o111) === 0)).toEqual([]);
  });

  it("stop at the first command that fails", () => {
    const careless = scripts.filter(
      (name) => !/^set -e(uo pipefail)?$/m.test(readFileSync(join(deploy, name), "utf8")),
    );
    expect(careless).toEqual([]);
  });

  it.skipIf(!hasProgram("shellcheck"))("say nothing that shellcheck objects to (apt install shellcheck)", () => {
    const { status, stdout } = spawnSync("shellcheck", scripts, { cwd: deploy, encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
