import { createServer } from "node:http";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { type Address, listen, stopListening } from "../listen.ts";
import type { Monitor } from "../monitor/monitor.ts";
import { createAccess } from "./access.ts";
import { loadAssets } from "./assets.ts";
import type { Door } from "./door.ts";
import { createLive } from "./live.ts";
import type { DashboardInputs } from "./inputs.ts";
import { createModel } from "./model.ts";
import { createPost } from "./post.ts";
import { answer } from "./routes.ts";

export interface DashboardOptions extends Address {
  /** The node's name. */
  readonly node: string;
  /** The backbone's name. */
  readonly model: string;
  /** Host names, besides `localhost` and IP addresses, under which a browser may ask. */
  readonly allowedHosts?: readonly string[];
  /** Answers `/metrics`, `/health` and `/ready` at the page's address too. */
  readonly monitor?: Pick<Monitor, "answer"> | undefined;
  /** Whoever sees the page knows it. Needed where others than this machine reach the address. */
  readonly token?: string | undefined;
  /** Where teaching and commands go; without it the page is read-only. */
  readonly door?: Door | undefined;
  /** How long a frame can be labelled, read at each use. Default ten minutes. */
  readonly labelWindowMs?: number;
  readonly clock?: Clock;
  /** Between two updates of a page. Default 200. */
  readonly tickMs?: number;
  /** How long a request may take to come; its answer may take longer. Default ten seconds. */
  readonly requestMs?: number;
}

/** The live page: what it is told goes to every open browser. Telling never waits, whatever browsers do. */
export interface Dashboard extends DashboardInputs {
  /** e.g. `http://127.0.0.1:8080/`. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws AppError `dashboard/listen` when the address cannot be taken; `dashboard/no-token`, `dashboard/weak-token` */
export async function createDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host, port, node, door, token, allowedHosts = [], clock = systemClock, tickMs = 200 } = options;
  const { requestMs = 10_000 } = options;
  const access = createAccess({ host, node, token });
  const model = createModel({
    node,
    model: options.model,
    clock,
    teach: door !== undefined,
    labelWindowMs: () => options.labelWindowMs ?? 600_000,
  });
  const live = createLive(model, clock);
  const parts = {
    assets: await loadAssets(),
    model,
    live,
    allowedHosts,
    access,
    post: createPost(access, door),
    monitor: options.monitor,
  };
  const limits = {
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: Math.min(requestMs, 5000), // or connections are looked at each half minute
  };
  const server = createServer(limits, (request, response) => answer(request, response, parts));
  server.maxConnections = 128;
  const url = await listen(server, { host, port }, "dashboard/listen");
  const timer = setInterval(() => live.tick(), tickMs);
  timer.unref();

  return {
    ...model.inputs,
    url,
    close() {
      clearInterval(timer);
      live.close();
      return stopListening(server);
    },
  };
}
