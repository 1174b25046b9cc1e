import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { within } from "../../src/backbone/within.ts";

describe("a bounded start", () => {
  test("ends with its result, or with its own error", async () => {
    expect(await within(60_000, "it", async () => 5)).toBe(5);
    expect(await within(undefined, "it", async () => 6)).toBe(6);
    await expect(within(60_000, "it", () => Promise.reject(new Error("own")))).rejects.toThrow("own");
  });

  test("that does not end is given up with a code", async () => {
    vi.useFakeTimers();
    const waiting = within(1_800_000, "starting on tensorrt", () => new Promise(() => {}));
    const refused = waiting.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_800_000);
    expect(await refused).toMatchObject({
      code: "engine/warm-up",
      message: "starting on tensorrt did not end within 1800000 ms",
    });
    vi.useRealTimers();
  });

  test("ends the process even where the thread hangs in native code, which nothing can interrupt", async () => {
    const folder = await mkdtemp(join(tmpdir(), "l2p-hang-"));
    const pipe = join(folder, "pipe");
    execFileSync("sh", ["-c", `mkfifo "$0"`, pipe]);
    const script = fileURLToPath(new URL("../support/hanging-start.mjs", import.meta.url));
    const ended = await new Promise<{ signal: string | undefined; stderr: string }>((resolve) => {
      execFile(process.execPath, [script, pipe], { timeout: 100_000, killSignal: "SIGTERM" }, (error, _, stderr) => {
        resolve({ signal: error?.signal ?? undefined, stderr });
      });
    });
    expect(ended.stderr).toBe("engine/warm-up: starting on tensorrt did not end within 300 ms\n");
    expect(ended.signal).toBe("SIGKILL");
    await rm(folder, { recursive: true });
  });
});
