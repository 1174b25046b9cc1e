import { afterEach, describe, expect, it } from "vitest";
import { createDashboard } from "../../../src/edge/dashboard/dashboard.ts";
import { createMonitor, type Monitor } from "../../../src/edge/monitor/monitor.ts";
import { serveMonitor } from "../../../src/edge/monitor/server.ts";
import { type FakeClock, fakeClock } from "../../../src/kernel/clock.ts";
import { parseMetrics } from "../../support/prometheus.ts";
import { sampleBox, sampleTelemetry } from "../../support/telemetry.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function monitorAt(clock: FakeClock): Monitor {
  return createMonitor({ stalledMs: () => 1000, clock });
}

const asked = (monitor: Monitor, path: string): [number, Record<string, unknown>] => {
  const { status, body } = monitor.answer(path)!;
  return [status, JSON.parse(body) as Record<string, unknown>];
};

describe("a node's health", () => {
  it("while it warms up: alive, not ready", () => {
    const clock = fakeClock();
    const monitor = monitorAt(clock);
    clock.advance(60_000);
    expect(asked(monitor, "/health")).toMatchObject([200, { status: "warming", healthy: true, idleS: null }]);
    expect(asked(monitor, "/ready")).toMatchObject([503, { problems: ["the node is warming", expect.any(String)] }]);
  });

  it("is ready when it is online and has a broker; without one it is alive and not ready", () => {
    const monitor = monitorAt(fakeClock());
    monitor.status("online");
    expect(asked(monitor, "/ready")[0]).toBe(503);
    monitor.broker(true);
    expect(asked(monitor, "/ready")).toMatchObject([200, { ready: true, problems: [] }]);
    monitor.broker(false);
    expect(asked(monitor, "/ready")[0]).toBe(503);
    expect(asked(monitor, "/health")[0]).toBe(200);
  });

  it("is lost when work does not advance for too long, and found again when it does", () => {
    const clock = fakeClock();
    const monitor = monitorAt(clock);
    monitor.broker(true);
    monitor.status("online");
    clock.advance(900);
    monitor.telemetry(sampleTelemetry, sampleBox, true);
    clock.advance(1000);
    monitor.telemetry(sampleTelemetry, sampleBox, false);
    expect(asked(monitor, "/health")[0]).toBe(200);
    clock.advance(1);
    expect(asked(monitor, "/health")).toMatchObject([503, { healthy: false, idleS: 1 }]);
    expect(parseMetrics(monitor.answer("/metrics")!.body).get("l2p_healthy")!.samples[0]!.value).toBe(0);
    monitor.telemetry(sampleTelemetry, sampleBox, true);
    expect(asked(monitor, "/ready")[0]).toBe(200);
  });

  it("is lost when telemetry itself stays away, and when the pipeline failed", () => {
    const clock = fakeClock();
    const monitor = monitorAt(clock);
    monitor.status("online");
    clock.advance(1001);
    expect(asked(monitor, "/health")[0]).toBe(503);
    const failed = monitorAt(clock);
    failed.status("offline");
    expect(asked(failed, "/health")[0]).toBe(503);
  });
});

describe("over HTTP", () => {
  it("at its own address: three paths, by any name, for reading only", async () => {
    const monitor = monitorAt(fakeClock());
    monitor.telemetry(sampleTelemetry, sampleBox, true);
    const server = await serveMonitor({ host: "127.0.0.1", port: 0 }, monitor);
    closing.push(() => server.close());
    const metrics = await fetch(new URL("/metrics?x=1", server.url));
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(parseMetrics(await metrics.text()).has("l2p_frames_total")).toBe(true);
    expect((await fetch(new URL("/health", server.url))).status).toBe(200);
    expect((await fetch(new URL("/ready", server.url), { method: "HEAD" })).status).toBe(503);
    expect((await fetch(server.url)).status).toBe(404);
    expect((await fetch(new URL("/frame/camera-1", server.url))).status).toBe(404);
    expect((await fetch(new URL("/metrics", server.url), { method: "POST" })).status).toBe(405);
  });

  it("says which address is taken", async () => {
    const monitor = monitorAt(fakeClock());
    const server = await serveMonitor({ host: "127.0.0.1", port: 0 }, monitor);
    closing.push(() => server.close());
    const port = Number(new URL(server.url).port);
    await expect(serveMonitor({ host: "127.0.0.1", port }, monitor)).rejects.toMatchObject({ code: "monitor/listen" });
  });

  it("at the page's address too", async () => {
    const monitor = monitorAt(fakeClock());
    const page = await createDashboard({ host: "127.0.0.1", port: 0, node: "n", model: "m", monitor });
    closing.push(() => page.close());
    expect((await fetch(new URL("/health", page.url))).status).toBe(200);
    expect((await fetch(new URL("/ready", page.url))).status).toBe(503);
    expect(parseMetrics(await (await fetch(new URL("/metrics", page.url))).text()).has("l2p_ready")).toBe(true);
  });
});
