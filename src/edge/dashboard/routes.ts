import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Access } from "./access.ts";
import type { Asset } from "./assets.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { Live } from "./live.ts";
import { type Model, sections } from "./model.ts";
import type { Post } from "./post.ts";

export interface RouteParts {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly model: Model;
  readonly live: Live;
  readonly access: Access;
  readonly post: Post;
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

/** What a browser may have that has not signed in yet: the way to do so. Probes say nothing of what the box sees. */
const beforeSignIn: ReadonlySet<string> = new Set([
  "/sign-in.html",
  "/sign-in.js",
  "/dom.js",
  "/send.js",
  "/theme.css",
  "/style.css",
  "/forms.css",
  "/sign-in.css",
  "/icon.svg",
  "/health",
  "/ready",
]);

/** Answers one request. GET only reads; what changes the node is a POST, of which post.ts takes care. */
export function answer(request: IncomingMessage, response: ServerResponse, parts: RouteParts): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (!isHostAllowed(request.headers.host, parts.allowedHosts)) {
    plain(
      response,
      421,
      "This address is not served here: open it by localhost or by its IP address, or add the name to `dashboard.allowedHosts`.",
    );
    return;
  }
  const [path = "/", query] = (request.url ?? "/").split("?", 2);
  const isAllowed = parts.access.allows(request);
  if (request.method === "POST") {
    void send(path, request, response, parts, isAllowed);
    return;
  }
  // A stream has no end that HEAD could tell of, and would keep its place among the open pages.
  const isRead = request.method === "GET" || (request.method === "HEAD" && path !== "/events");
  if (!isRead) {
    response.setHeader("allow", "GET, HEAD, POST");
    plain(response, 405, "Only GET, HEAD and POST are answered here.");
    return;
  }
  if (!isAllowed && !beforeSignIn.has(path)) {
    response.statusCode = 401;
    response.setHeader("www-authenticate", 'Bearer realm="l2p-edge"');
    const signIn = parts.assets.get("/sign-in.html")!;
    if (path === "/") body(response, signIn.type, signIn.body);
    else plain(response, 401, "The token is missing or wrong: see dashboard.tokenFile.");
    return;
  }
  if (!read(path, query, response, parts)) plain(response, 404, "There is nothing at this path.");
}

async function send(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { post }: RouteParts,
  isAllowed: boolean,
): Promise<void> {
  try {
    const answered = await post(path, request, isAllowed);
    response.statusCode = answered.status;
    if (answered.cookie !== undefined) response.setHeader("set-cookie", answered.cookie);
    // What was not read of a body that is too large must not be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    body(response, "application/json", JSON.stringify(answered.body));
  } catch {
    response.destroy(); // the browser went away in the middle of its request
  }
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
    const image = model.image(decode(path.slice("/frame/".length)), query === undefined ? undefined : Number(query));
    if (image) body(response, imageType(image), image);
    return image !== undefined;
  }
  if (path.startsWith("/ask/")) {
    const [camera = "", frameId = ""] = path.slice("/ask/".length).split("/", 2).map(decode);
    const image = model.asked(camera, frameId);
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
