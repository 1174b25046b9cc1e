import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { appError } from "../../kernel/errors.ts";
import { loadAssets } from "./assets.ts";
import { createLive } from "./live.ts";
import type { DashboardInputs } from "./inputs.ts";
import { createModel } from "./model.ts";
import { answer } from "./routes.ts";

export interface DashboardOptions {
  /** e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The node's name. */
  readonly node: string;
  /** The backbone's name. */
  readonly model: string;
  /** Host names, besides `localhost` and IP addresses, under which a browser may ask. */
  readonly allowedHosts?: readonly string[];
  readonly clock?: Clock;
  /** Between two updates of a page. Default 200. */
  readonly tickMs?: number;
}

/** The live page: what it is told goes to every open browser. Telling never waits, whatever browsers do. */
export interface Dashboard extends DashboardInputs {
  /** e.g. `http://127.0.0.1:8080/`. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws AppError `dashboard/listen` when the address cannot be taken. */
export async function createDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host, port, node, allowedHosts = [], clock = systemClock, tickMs = 200 } = options;
  const model = createModel({ node, model: options.model, clock });
  const live = createLive(model, clock);
  const parts = { assets: await loadAssets(), model, live, allowedHosts };
  const server = createServer((request, response) => answer(request, response, parts));
  server.maxConnections = 128;
  const taken = await listen(server, host, port);
  const timer = setInterval(() => live.tick(), tickMs);
  timer.unref();

  return {
    ...model.inputs,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`,
    close() {
      clearInterval(timer);
      live.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** @returns the port. */
function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // Stays after listening: a failed accept (no file handles left) must not end the process.
    server.on("error", (cause) => {
      reject(appError("dashboard/listen", `cannot serve on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
