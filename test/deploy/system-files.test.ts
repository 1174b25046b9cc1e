import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../../src/settings/load.ts";
import { cleanUps } from "../support/clean-up.ts";
import { hasProgram } from "../support/tools.ts";

const deploy = resolve(import.meta.dirname, "../../deploy");
const started = cleanUps();
const folder = async (): Promise<string> =>
  started(await mkdtemp(join(tmpdir(), "l2p-system-")), (one) => rm(one, { recursive: true }));

describe("what systemd makes before the service starts", () => {
  const canTry = hasProgram("systemd-sysusers") && process.getuid?.() === 0;

  it.skipIf(!canTry)(
    "a user without a login, and folders that others cannot read (needs systemd and root)",
    async () => {
      const root = await folder();
      mkdirSync(join(root, "etc/l2p-edge"), { recursive: true });
      writeFileSync(join(root, "etc/l2p-edge/config.yaml"), "", { mode: 0o644 });
      for (const [tool, file] of [
        ["systemd-sysusers", "l2p-edge.sysusers"],
        ["systemd-tmpfiles", "l2p-edge.tmpfiles"],
      ] as const) {
        const create = tool === "systemd-tmpfiles" ? ["--create"] : [];
        const { status, stderr } = spawnSync(tool, [`--root=${root}`, ...create, join(deploy, "systemd", file)], {
          encoding: "utf8",
        });
        expect(status, stderr).toBe(0);
      }
      const entry = readFileSync(join(root, "etc/passwd"), "utf8").split("\n")[0]!.split(":");
      expect([entry[0], entry[5], entry[6]]).toEqual(["l2p-edge", "/var/lib/l2p-edge", "/usr/sbin/nologin"]);
      const config = statSync(join(root, "etc/l2p-edge/config.yaml"));
      expect([config.mode & 0o777, config.uid, config.gid]).toEqual([0o640, 0, Number(entry[3])]);
      expect(statSync(join(root, "etc/l2p-edge")).mode & 0o777).toBe(0o750);
    },
  );

  it("a configuration that is valid as it is, also with what its comments offer", async () => {
    const text = readFileSync(join(deploy, "config.yaml"), "utf8");
    expect(loadSettings(join(deploy, "config.yaml"), {}).state.folder).toBe("/var/lib/l2p-edge");
    const place = await folder();
    const offered = text
      .replaceAll(/^#(node:|mqtt:| {2}\S| {4}\S)/gm, "$1")
      .replace("/etc/l2p-edge/ca.crt", join(place, "ca.crt"));
    writeFileSync(join(place, "ca.crt"), "-----BEGIN CERTIFICATE-----\n");
    writeFileSync(join(place, "mqtt-password"), "hunter2\n", { mode: 0o600 });
    writeFileSync(join(place, "config.yaml"), offered);
    const settings = loadSettings(join(place, "config.yaml"), { CREDENTIALS_DIRECTORY: place });
    expect([settings.mqtt.url, settings.mqttPassword?.reveal()]).toEqual(["mqtts://broker.example:8883", "hunter2"]);
  });
});
