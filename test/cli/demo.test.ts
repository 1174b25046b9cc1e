import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { DemoSummary } from "../../src/app/demo.ts";
import { cleanUps } from "../support/clean-up.ts";
import { runCli } from "../support/cli.ts";

const started = cleanUps();

describe("l2p-edge demo", () => {
  it("plays its story, ends by itself, and says on stdout what came of it", async () => {
    const frames = ["--frames", "60", "--fps", "15", "--story", "24", "--label-delay", "0.2"];
    const { status, stdout, stderr } = await runCli(["demo", ...frames, "--port", "0", "--broker", "0"]);
    expect(stderr).toContain("Watch it: http://127.0.0.1:");
    expect(stderr).toContain("→ night shift, dirty lens");
    expect(status).toBe(0);
    const summary = JSON.parse(stdout) as DemoSummary;
    expect(summary.frames).toBe(60);
    expect(summary.predictions).toBeGreaterThan(0);
    expect(summary.labels).toBeGreaterThan(10);
    // Every label ends as learned, or is said to be rejected.
    expect(summary.learned + summary.rejected).toBe(summary.labels);
    expect(summary.rejected).toBe(0);
    expect(summary.poolVersion).toBeGreaterThan(0);
  });

  it("stopped while it starts, it leaves nothing behind and has nothing to sum up", async () => {
    const folder = started(await mkdtemp(join(tmpdir(), "l2p-demo-")), (one) => rm(one, { recursive: true }));
    const ran = await runCli(["demo", "--port", "0", "--broker", "0"], {
      env: { TMPDIR: folder },
      async onStart(child) {
        // Its own folder is the first that is seen of it.
        while ((await readdir(folder)).length === 0) await sleep(5);
        child.kill("SIGINT");
      },
    });
    expect(ran).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(await readdir(folder)).toEqual([]);
  });
});
