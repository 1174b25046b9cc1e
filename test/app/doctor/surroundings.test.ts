import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Check, type Finding, runChecks } from "../../../src/app/doctor/check.ts";
import { clockCheck, clockProbes, type ClockProbes } from "../../../src/app/doctor/clock.ts";
import { diskChecks, diskProbes, type DiskProbes } from "../../../src/app/doctor/disk.ts";
import {
  surroundingsChecks,
  surroundingsProbes,
  type SurroundingsProbes,
} from "../../../src/app/doctor/surroundings.ts";
import { parseSettings } from "../../../src/settings/load.ts";
import { cleanUps } from "../../support/clean-up.ts";

const started = cleanUps();

async function findings(checks: readonly Check[]): Promise<Readonly<Record<string, Finding>>> {
  const found: Record<string, Finding> = {};
  for await (const { name, ...finding } of runChecks(checks)) found[name] = finding;
  return found;
}

async function temporary(): Promise<string> {
  return started(await mkdtemp(join(tmpdir(), "l2p-doctor-")), (path) => rm(path, { recursive: true }));
}

const settingsWith = (yaml: string): ReturnType<typeof parseSettings> => parseSettings(yaml, "test", {});

describe("the disk", () => {
  const inside = (folder: string, probes: Partial<DiskProbes> = {}): ReturnType<typeof findings> =>
    findings(diskChecks(settingsWith(JSON.stringify({ state: { folder } })), { ...diskProbes(), ...probes }));

  it("is tried for real, and nothing is left behind", async () => {
    const folder = await temporary();
    await chmod(folder, 0o700);
    const found = await inside(folder, { kind: async () => 0xef53 });
    expect(found["state folder"]).toEqual({ verdict: "ok", detail: `${folder}, mode 700` });
    expect(found["disk sync"]).toMatchObject({ detail: expect.stringMatching(/^\d+\.\d ms, at worst \d+\.\d ms$/) });
    expect(await readdir(folder)).toEqual([]);
  });

  it("is that of the nearest folder that is there, where the state folder is not yet", async () => {
    const folder = await temporary();
    const asked: string[] = [];
    const freeBytes = async (path: string): Promise<number> => asked.push(path) * 2 ** 40;
    const found = await inside(join(folder, "a", "b"), { freeBytes });
    expect(asked).toEqual([folder]);
    expect(found["state folder"]).toMatchObject({ verdict: "ok", detail: expect.stringContaining("not there yet") });
    expect(await readdir(folder)).toEqual([]);
  });

  it("warns of a folder that others can read, and fails for a file", async () => {
    const folder = await temporary();
    await mkdir(join(folder, "open"), { mode: 0o755 });
    await chmod(join(folder, "open"), 0o755);
    await writeFile(join(folder, "file"), "");
    expect((await inside(join(folder, "open")))["state folder"]).toMatchObject({ verdict: "warning" });
    expect((await inside(join(folder, "file")))["state folder"]).toMatchObject({ verdict: "failed" });
  });

  it.each([
    { free: 10, verdict: "failed" },
    { free: 100, verdict: "warning" },
    { free: 1000, verdict: "ok" },
  ])("with $free MiB free: $verdict", async ({ free, verdict }) => {
    const found = await inside(await temporary(), { freeBytes: async () => free * 2 ** 20 });
    expect(found["disk space"]).toMatchObject({ verdict, detail: `${free} MiB free` });
  });

  it("that is slow, in memory or not writable is told", async () => {
    const folder = await temporary();
    const slow = { sync: async () => [80, 400, 90], kind: async () => 0xef53 };
    expect((await inside(folder, slow))["disk sync"]).toMatchObject({
      verdict: "warning",
      detail: "90.0 ms, at worst 400.0 ms",
    });
    const memory = { kind: async () => 0x0102_1994 };
    expect((await inside(folder, memory))["disk sync"]).toMatchObject({
      verdict: "warning",
      detail: expect.stringContaining("memory"),
    });
    const denied = {
      sync: () => Promise.reject(Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" })),
    };
    expect((await inside(folder, denied))["disk sync"]).toMatchObject({
      verdict: "failed",
      detail: expect.stringContaining("EACCES"),
    });
  });
});

describe("the clock", () => {
  const clock = async (probes: Partial<ClockProbes>): Promise<Finding | undefined> =>
    (
      await findings([
        clockCheck({ now: () => new Date("2026-05-01T00:00:00Z"), isSynchronised: async () => true, ...probes }),
      ])
    )["clock"];

  it("is told", async () => {
    expect(await clock({})).toEqual({ verdict: "ok", detail: "2026-05-01T00:00:00.000Z, synchronised" });
    expect(await clock({ isSynchronised: async () => false })).toMatchObject({ verdict: "warning" });
    expect(await clock({ isSynchronised: async () => undefined })).toMatchObject({ verdict: "ok" });
    expect(await clock({ now: () => new Date(0) })).toMatchObject({ verdict: "failed" });
  });

  it("of this machine can be asked", async () => {
    expect([true, false, undefined]).toContain(await clockProbes().isSynchronised());
  });
});

describe("what is around the node", () => {
  const around = (yaml: string, probes: Partial<SurroundingsProbes> = {}): ReturnType<typeof findings> =>
    findings(
      surroundingsChecks(settingsWith(yaml), {
        ...surroundingsProbes(),
        env: {},
        owner: async () => undefined,
        ...probes,
      }),
    );

  it("asks only for the ports that the node would open", async () => {
    const listen = async (): Promise<undefined> => undefined;
    expect(Object.keys(await around("", { listen }))).toEqual(["broker.port", "dashboard.port", "ffmpeg", "systemd"]);
    const elsewhere = "mqtt: { url: mqtt://broker }\ndashboard: { enabled: false }";
    expect(Object.keys(await around(elsewhere, { listen }))).toEqual(["ffmpeg", "systemd"]);
  });

  it("tells a port that is taken, by this node or by another program", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((listening) => server.once("listening", listening));
    started(server, (one) => void one.close());
    const yaml = `broker: { port: ${(server.address() as AddressInfo).port} }\ndashboard: { port: 0 }`;
    const found = await around(yaml);
    expect(found["broker.port"]).toMatchObject({ verdict: "failed", advice: expect.stringContaining("broker.port") });
    expect(found["dashboard.port"]).toMatchObject({ verdict: "ok" });
    const own = await around(yaml, { owner: async () => 4711 });
    expect(own["broker.port"]).toMatchObject({ verdict: "ok", detail: expect.stringContaining("4711") });
    const denied = await around("", { listen: async () => "EACCES" });
    expect(denied["broker.port"]).toMatchObject({ verdict: "failed", detail: expect.stringContaining("EACCES") });
  });

  it("needs no ffmpeg, and tells it where it is", async () => {
    const folder = "sources: { press: { kind: folder, path: /spool } }";
    for (const yaml of ["", folder]) {
      expect((await around(yaml, { say: async () => undefined }))["ffmpeg"]).toMatchObject({ verdict: "ok" });
    }
    const said = await around("", { say: async () => "ffmpeg version 7.1 Copyright (c) them" });
    expect(said["ffmpeg"]).toEqual({ verdict: "ok", detail: "ffmpeg version 7.1" });
  });

  it.each([
    { said: undefined, transport: "tcp", verdict: "failed", detail: /^not installed, and needed by gate$/ },
    { said: "ffmpeg version 4.4.2-0ubuntu0.22.04.1", transport: "tcp", verdict: "failed", detail: /by TCP: gate$/ },
    { said: "ffmpeg version 4.4.2-0ubuntu0.22.04.1", transport: "udp", verdict: "ok", detail: /4\.4\.2/ },
    { said: "ffmpeg version n5.1", transport: "tcp", verdict: "ok", detail: /n5\.1/ },
    { said: "ffmpeg version 10.0", transport: "tcp", verdict: "ok", detail: /10\.0/ },
  ])("asks of ffmpeg what RTSP by $transport needs: $said", async ({ said, transport, verdict, detail }) => {
    const yaml = `sources: { gate: { kind: rtsp, url: "rtsp://cam/1", transport: ${transport} } }`;
    const { ffmpeg } = await around(yaml, { say: async () => said });
    expect(ffmpeg).toMatchObject({ verdict, detail: expect.stringMatching(detail) });
  });

  it.each([
    { env: {}, say: undefined, verdict: "ok" },
    { env: { NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "60000000" }, say: "systemd 252", verdict: "ok" },
    { env: { NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "2000000" }, say: "systemd 252", verdict: "warning" },
    { env: { NOTIFY_SOCKET: "/run/n" }, say: undefined, verdict: "failed" },
  ])("systemd with $env: $verdict", async ({ env, say, verdict }) => {
    expect((await around("", { env, say: async () => say }))["systemd"]).toMatchObject({ verdict });
  });
});
