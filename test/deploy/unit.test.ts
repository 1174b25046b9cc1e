import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultStreamSettings } from "../../src/stream/settings.ts";
import { hasProgram } from "../support/tools.ts";

const path = resolve(import.meta.dirname, "../../deploy/systemd/l2p-edge.service");
const unit = await readFile(path, "utf8");

/** The last value of a key; undefined where it is absent or commented out. */
const value = (key: string): string | undefined => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].at(-1)?.[1];

const hasAnalyze = hasProgram("systemd-analyze");
// `--offline` came with systemd 250.
const canJudge = spawnSync("systemd-analyze", ["security", "--offline=true", path], { stdio: "ignore" }).status === 0;

describe("deploy/systemd/l2p-edge.service", () => {
  it("lets the child process systemd-notify speak", () => {
    expect(value("Type")).toBe("notify");
    expect(value("NotifyAccess")).toBe("all");
  });

  it("is reloaded by the signal that the node reads its configuration at", () => {
    expect(value("ExecReload")).toBe("/bin/kill -HUP $MAINPID");
  });

  it("gives the watchdog several telemetry periods, and a stop the time to drain", () => {
    // It is fed with telemetry, and not more often than three times a period.
    expect(Number(value("WatchdogSec")) * 1000).toBeGreaterThanOrEqual(6 * defaultStreamSettings.telemetryMs);
    expect(Number(value("TimeoutStopSec")) * 1000).toBeGreaterThanOrEqual(2 * defaultStreamSettings.drainMs);
  });

  it("is a user of its own that writes to its state only, with what V8 and the inference runtime need", () => {
    expect(value("User")).toBe("l2p-edge");
    expect(value("StateDirectory")).toBe("l2p-edge");
    expect(value("ProtectSystem")).toBe("strict");
    expect(value("CapabilityBoundingSet")).toBe("");
    expect(value("MemoryDenyWriteExecute")).toBeUndefined();
    expect(value("ProcSubset")).toBeUndefined();
  });

  it("holds its memory down as the container does", async () => {
    const container = await readFile(resolve(path, "../../Dockerfile"), "utf8");
    const allocator = "MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072";
    expect(value("Environment")).toBe(allocator);
    expect(container).toContain(`ENV NODE_ENV=production ${allocator}\n`);
    const [, flag] = /^\/usr\/bin\/node (--\S+) /.exec(value("ExecStart")!)!;
    expect(container).toContain(`ENTRYPOINT ["node", "${flag}", `);
  });

  it("names as credentials what the settings look for", () => {
    const names = [...unit.matchAll(/^LoadCredential=([^:]+):l2p-edge\.\1$/gm)].map(([, name]) => name);
    expect(names).toEqual(["mqtt-password", "mqtt-key", "dashboard-token"]);
  });

  it.skipIf(!canJudge)(
    "exposes less than 2.0 by `systemd-analyze security` (needs systemd 250), as deploy/README.md says",
    async () => {
      const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", "--json=short", path], {
        encoding: "utf8",
      });
      const findings = JSON.parse(stdout) as { name: string; exposure: string | null }[];
      const open = findings.filter(({ exposure }) => Number(exposure) > 0).map(({ name }) => name);
      const overall = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", path]);
      expect({ status: overall.status, open }).toMatchObject({ status: 0 });
      const [, told] = /exposure level for l2p-edge\.service: ([\d.]+)/.exec(String(overall.stdout))!;
      const readme = await readFile(resolve(path, "../../README.md"), "utf8");
      expect(readme).toContain(`Overall exposure level for l2p-edge.service: ${told} OK`);
    },
  );

  it.skipIf(!hasAnalyze)("is what systemd understands", async () => {
    const folder = await mkdtemp(join(tmpdir(), "l2p-edge-"));
    try {
      const copy = join(folder, "l2p-edge.service");
      const drop = join(folder, "l2p-edge.service.d");
      await mkdir(drop);
      await copyFile(resolve(path, "../../jetson/gpu.conf"), join(drop, "gpu.conf"));
      await copyFile(resolve(path, "../camera.conf"), join(drop, "camera.conf"));
      await writeFile(copy, unit.replace("/usr/bin/node", process.execPath));
      const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", copy], {
        encoding: "utf8",
      });
      const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("l2p-edge.service"));
      expect(ours).toEqual([]);
      expect(status).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
