import { type Clock, systemClock } from "../../kernel/clock.ts";
import type { Status } from "../../message/status.ts";
import type { BoxTelemetry, PipelineTelemetry } from "../../message/telemetry.ts";
import { healthFamilies, telemetryFamilies } from "./families.ts";
import { type Health, healthOf } from "./health.ts";
import { metricsText, metricsType } from "./text-format.ts";

export interface MonitorAnswer {
  readonly status: 200 | 503;
  readonly type: string;
  readonly body: string;
}

/** What machines ask a node: its numbers and how it is. Told by the application; it holds the newest of each. */
export interface Monitor {
  status(status: Status): void;
  broker(connected: boolean): void;
  /** @param advances What the judge of progress says of it. */
  telemetry(telemetry: PipelineTelemetry, box: BoxTelemetry, advances: boolean): void;
  /** `/metrics`, `/health`, `/ready`; undefined for any other path. */
  answer(path: string): MonitorAnswer | undefined;
}

export interface MonitorOptions {
  /** Work that does not advance for so long makes it unhealthy, ms. */
  readonly stalledMs: () => number;
  readonly clock?: Pick<Clock, "monotonicMs">;
}

export function createMonitor({ stalledMs, clock = systemClock }: MonitorOptions): Monitor {
  let status: Status = "warming";
  let connected = false;
  let advancedAt: number | undefined;
  let newest: { readonly telemetry: PipelineTelemetry; readonly box: BoxTelemetry } | undefined;

  function health(): Health {
    const sinceAdvanceMs = advancedAt === undefined ? null : clock.monotonicMs() - advancedAt;
    return healthOf({ status, connected, sinceAdvanceMs, stalledMs: stalledMs() });
  }

  function metrics(): string {
    const numbers = newest === undefined ? [] : telemetryFamilies(newest.telemetry, newest.box);
    return metricsText([...healthFamilies(health()), ...numbers]);
  }

  return {
    status(next) {
      // The time in which the first work must advance begins here.
      if (next === "online" && status !== "online") advancedAt = clock.monotonicMs();
      status = next;
    },
    broker(isConnected) {
      connected = isConnected;
    },
    telemetry(telemetry, box, advances) {
      newest = { telemetry, box };
      if (advances) advancedAt = clock.monotonicMs();
    },
    answer(path) {
      if (path === "/metrics") return { status: 200, type: metricsType, body: metrics() };
      const now = health();
      if (path === "/health") return told(now.healthy, now);
      return path === "/ready" ? told(now.ready, now) : undefined;
    },
  };
}

function told(isFine: boolean, about: Health): MonitorAnswer {
  return { status: isFine ? 200 : 503, type: "application/json", body: `${JSON.stringify(about)}\n` };
}
