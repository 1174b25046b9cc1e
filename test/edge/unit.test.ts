import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultStreamSettings } from "../../src/stream/settings.ts";

const path = resolve(import.meta.dirname, "../../deploy/l2p-edge.service");
const unit = await readFile(path, "utf8");

/** The last value of a key; undefined where it is absent or commented out. */
const value = (key: string): string | undefined => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].at(-1)?.[1];

const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("deploy/l2p-edge.service", () => {
  it("lets the child process systemd-notify speak", () => {
    expect(value("Type")).toBe("notify");
    expect(value("NotifyAccess")).toBe("all");
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

  it.skipIf(!hasAnalyze)("is what systemd understands", async () => {
    const folder = await mkdtemp(join(tmpdir(), "l2p-edge-"));
    try {
      const copy = join(folder, "l2p-edge.service");
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
