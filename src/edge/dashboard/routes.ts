import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Asset } from "./assets.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { Live } from "./live.ts";
import { type Model, sections } from "./model.ts";

export interface RouteParts {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly model: Model;
  readonly live: Live;
  readonly monitor: Pick<Monitor, "answer"> | undefined;
  /** Host names that requests may carry besides `localhost` and IP addresses. */
  readonly allowedHosts: readonly string[];
}

const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/** Answers one request. Reading is all it can do: whatever will change the node gets its own table, method and token. */
export function answer(request: IncomingMessage, response: ServerResponse, parts: RouteParts): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (!isHostAllowed(request.headers.host, parts.allowedHosts)) {
    plain(response, 421, "This address is not served here: open the dashboard by localhost or by its IP address.");
    return;
  }
  if (request.method !== "GET") {
    response.setHeader("allow", "GET");
    plain(response, 405, "Only GET is answered here.");
    return;
  }
  const [path = "/", query] = (request.url ?? "/").split("?", 2);
  if (!read(path, query, response, parts)) plain(response, 404, "There is nothing at this path.");
}

/** @returns false where nothing is at the path. */
function read(
  path: string,
  query: string | undefined,
  response: ServerResponse,
  { assets, model, live, monitor }: RouteParts,
): boolean {
  const asset = assets.get(path);
  if (asset) {
    body(response, asset.type, asset.body);
    return true;
  }
  if (path.startsWith("/frame/")) {
    const image = model.image(decode(path.slice("/frame/".length)), Number(query));
    if (image) body(response, imageType(image), image);
    return image !== undefined;
  }
  switch (path) {
    case "/events":
      if (!live.add(response)) plain(response, 503, "Too many pages are open.");
      return true;
    case "/state":
      body(response, "application/json", JSON.stringify(Object.fromEntries(sections.map((s) => [s, model.view(s)]))));
      return true;
  }
  const told = monitor?.answer(path);
  if (told === undefined) return false;
  response.statusCode = told.status;
  body(response, told.type, told.body);
  return true;
}

/**
 * A page of another site can reach a loopback server under its own name (DNS rebinding), but then says that name:
 * only `localhost`, IP addresses (which cannot be rebound) and named hosts are served. Any port: tunnels change it.
 */
function isHostAllowed(host: string | undefined, allowed: readonly string[]): boolean {
  const name = (host ?? "").replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || allowed.includes(name);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** By the first bytes: the decoder has let only these three through. */
function imageType(bytes: Uint8Array): string {
  if (bytes[0] === 0x89) return "image/png";
  return bytes[0] === 0x52 ? "image/webp" : "image/jpeg";
}

function body(response: ServerResponse, type: string, content: string | Uint8Array): void {
  response.setHeader("content-type", type);
  response.end(content);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  body(response, "text/plain; charset=utf-8", `${text}\n`);
}
