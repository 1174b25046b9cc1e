import { createMonitor, type Monitor } from "../edge/monitor/monitor.ts";
import { serveMonitor } from "../edge/monitor/server.ts";
import type { MonitorSettings } from "../settings/types.ts";
import type { Log } from "../stream/parts.ts";

export interface Monitoring extends Monitor {
  /** Its own address; undefined where only the page has it. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

/** What machines ask a node, at an address of its own where one is set. @throws AppError `monitor/listen` */
export async function openMonitoring(
  { host, port }: MonitorSettings,
  stalledMs: () => number,
  log: Log,
): Promise<Monitoring> {
  const monitor = createMonitor({ stalledMs });
  const server = port === undefined ? undefined : await serveMonitor({ host, port }, monitor);
  if (server) log("info", `metrics and health at ${server.url}`);
  return { ...monitor, url: server?.url, close: async () => server?.close() };
}
