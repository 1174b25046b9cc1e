import type { Status } from "../../message/status.ts";

/** Answer of `/health` and `/ready`. */
export interface Health {
  readonly status: Status;
  /** Else restart it: what the watchdog would do. */
  readonly healthy: boolean;
  /** Else send it no frames for now. */
  readonly ready: boolean;
  readonly broker: "connected" | "offline";
  /** Since work last advanced, or had nothing to do, s; null before it is online. */
  readonly idleS: number | null;
  /** What is not as it should be, in words. */
  readonly problems: readonly string[];
}

export interface HealthFacts {
  readonly status: Status;
  readonly connected: boolean;
  /** Since the judge of progress last said yes, ms; null before it is online. */
  readonly sinceAdvanceMs: number | null;
  /** Beyond it, the node is taken for hung, ms. */
  readonly stalledMs: number;
}

/**
 * A node that warms up is alive and not ready. A broker that is away makes it not ready, and never unhealthy: a restart
 * would bring no broker back.
 */
export function healthOf({ status, connected, sinceAdvanceMs, stalledMs }: HealthFacts): Health {
  const stalled = status === "online" && sinceAdvanceMs !== null && sinceAdvanceMs > stalledMs;
  const problems = [
    ...(status === "online" ? [] : [`the node is ${status}`]),
    ...(stalled ? [`work has not advanced for ${Math.round(sinceAdvanceMs / 1000)} s`] : []),
    ...(connected ? [] : ["there is no connection to the broker"]),
  ];
  return {
    status,
    healthy: status !== "offline" && !stalled,
    ready: problems.length === 0,
    broker: connected ? "connected" : "offline",
    idleS: sinceAdvanceMs === null ? null : Math.round(sinceAdvanceMs / 1000),
    problems,
  };
}
