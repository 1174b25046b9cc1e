import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemd } from "../../src/edge/systemd.ts";

const socket = { NOTIFY_SOCKET: "@l2p-edge-test" };

function recorder(): { readonly sent: string[]; readonly send: (state: string) => Promise<void> } {
  const sent: string[] = [];
  return { sent, send: async (state) => void sent.push(state) };
}

describe("systemd's notices", () => {
  it("are not sent where systemd did not start the process", async () => {
    const { sent, send } = recorder();
    const notify = systemd({ env: { WATCHDOG_USEC: "1000" }, send });
    await notify.ready();
    await notify.status("x");
    await notify.extendTimeout(5);
    await notify.alive();
    await notify.stopping();
    expect(sent).toEqual([]);
  });

  it("are those of sd_notify(3)", async () => {
    const { sent, send } = recorder();
    const notify = systemd({ env: socket, send });
    await notify.extendTimeout(1.0005);
    await notify.ready();
    await notify.status("two\nlines");
    await notify.stopping();
    expect(sent).toEqual(["EXTEND_TIMEOUT_USEC=1001", "READY=1", "STATUS=two lines", "STOPPING=1"]);
  });
});

describe("the watchdog", () => {
  const ask = { ...socket, WATCHDOG_USEC: "3000000" };

  it("is fed only when told that work goes on, at most three times a period", async () => {
    const { sent, send } = recorder();
    let now = 0;
    const notify = systemd({ env: ask, send, now: () => now });
    for (now = 0; now < 3000; now += 100) await notify.alive();
    expect(sent).toEqual(["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    now += 60_000;
    expect(sent).toHaveLength(3);
    await notify.alive();
    expect(sent).toHaveLength(4);
    expect(notify.aliveEveryMs).toBe(1000);
  });

  it.each([undefined, "0", "soon", ""])("is not fed where none is set (WATCHDOG_USEC %s)", async (period) => {
    const { sent, send } = recorder();
    const notify = systemd({ env: { ...socket, WATCHDOG_USEC: period }, send });
    await notify.alive();
    expect(sent).toEqual([]);
    expect(notify.aliveEveryMs).toBe(Infinity);
  });
});

describe("systemd-notify(1)", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "l2p-edge-"));
    vi.stubEnv("NOTIFY_SOCKET", socket.NOTIFY_SOCKET);
    vi.stubEnv("RECORD", join(folder, "record"));
    vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  async function install(script: string): Promise<void> {
    await writeFile(join(folder, "systemd-notify"), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, "systemd-notify"), 0o755);
  }

  it("gets each notice as one argument that no shell reads, and the socket's name", async () => {
    await install(`printf '%s|' "$NOTIFY_SOCKET" "$@" >> "$RECORD"`);
    await systemd().status("$(touch x); `id` 'a' \"b\" 80 %");
    expect(await readFile(join(folder, "record"), "utf8")).toBe(
      "@l2p-edge-test|STATUS=$(touch x); `id` 'a' \"b\" 80 %|",
    );
  });

  it("may fail or be missing: the work goes on", async () => {
    await install("exit 1");
    await expect(systemd().ready()).resolves.toBeUndefined();
    vi.stubEnv("PATH", join(folder, "nothing"));
    await expect(systemd().ready()).resolves.toBeUndefined();
  });
});
