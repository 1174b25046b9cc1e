import { describe, expect, it } from "vitest";
import type { DemoSummary } from "../../src/app/demo.ts";
import { runCli } from "../support/cli.ts";

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
});
