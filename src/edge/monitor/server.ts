import { createServer } from "node:http";
import { type Address, listen, stopListening } from "../listen.ts";
import type { Monitor } from "./monitor.ts";

export interface MonitorServer {
  /** e.g. `http://127.0.0.1:9464/`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Metrics and health at an address of their own, so that they can be opened to a network while the page with its
 * frames is not. @throws AppError `monitor/listen`
 */
export async function serveMonitor(address: Address, monitor: Pick<Monitor, "answer">): Promise<MonitorServer> {
  const server = createServer((request, response) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    const answer = isRead ? monitor.answer((request.url ?? "/").split("?", 1)[0]!) : undefined;
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
    if (!isRead) response.setHeader("allow", "GET, HEAD");
    response.setHeader("content-type", answer?.type ?? "text/plain; charset=utf-8");
    response.statusCode = answer?.status ?? (isRead ? 404 : 405);
    response.end(
      answer?.body ?? (isRead ? "Here are /metrics, /health and /ready.\n" : "Only GET is answered here.\n"),
    );
  });
  server.maxConnections = 64;
  const url = await listen(server, address, "monitor/listen");
  return { url, close: () => stopListening(server) };
}
