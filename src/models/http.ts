import { type ClientRequest, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { appError } from "../kernel/errors.ts";
import { type Body, bodyOf } from "./body.ts";
import { type Environment, proxyAuthorization, proxyFor } from "./proxy.ts";

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the first address's own origin, and to no other that it redirects to. */
  readonly secretHeaders?: Readonly<Record<string, string>>;
  /** Names the proxies. */
  readonly env: Environment;
  /** Silence for so long ends it. */
  readonly stallMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read or destroyed. */
  readonly body: Body;
  /** Of the answers that redirected here, the first one first. */
  readonly hops: readonly IncomingHttpHeaders[];
}

type Reply = Omit<Answer, "hops">;

const maxRedirects = 10;

/**
 * GET, through the environment's proxy, following redirects.
 * @throws AppError `download/unreachable`, `download/certificate`, `download/proxy`; `download/refused` for redirects that lead nowhere good
 */
export async function get(url: URL, options: GetOptions): Promise<Answer> {
  const hops: IncomingHttpHeaders[] = [];
  for (let at = url; ;) {
    const isOwn = at.origin === url.origin;
    const headers = { ...options.headers, ...(isOwn ? options.secretHeaders : undefined) };
    const response = await send(at, headers, options);
    const { status } = response;
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      return { status, headers: response.headers, body: response.body, hops };
    }
    response.body.destroy();
    hops.push(response.headers);
    at = redirected(at, location, hops.length);
  }
}

function redirected(from: URL, location: string, count: number): URL {
  if (count > maxRedirects)
    throw appError("download/refused", `${from.host} redirects more than ${maxRedirects} times`);
  if (!URL.canParse(location, from.href)) throw appError("download/refused", `${from.host} redirects to no address`);
  const to = new URL(location, from);
  const isDowngrade = from.protocol === "https:" && to.protocol !== "https:";
  if (isDowngrade || !/^https?:$/.test(to.protocol)) {
    throw appError("download/refused", `${from.host} redirects from ${from.protocol}// to ${to.protocol}//`);
  }
  return to;
}

async function send(url: URL, headers: Readonly<Record<string, string>>, options: GetOptions): Promise<Reply> {
  const proxy = proxyFor(url, options.env);
  const request = await connected(url, headers, proxy, options.stallMs);
  const response = await answered(request, options.stallMs, proxy === undefined ? url.host : `${url.host} by proxy`);
  if (response.status !== 407) return response;
  response.body.destroy();
  throw appError("download/proxy", `${proxy?.host ?? url.host} answers 407: it wants a user and a password`);
}

async function connected(
  url: URL,
  headers: Readonly<Record<string, string>>,
  proxy: URL | undefined,
  stallMs: number,
): Promise<ClientRequest> {
  if (proxy === undefined) {
    return (url.protocol === "https:" ? httpsRequest : httpRequest)(url, { headers, agent: false, timeout: stallMs });
  }
  if (url.protocol === "http:") {
    // [RFC 9112 3.2.2] a proxy gets the whole address.
    const ofProxy = { host: url.host, ...proxyAuthorization(proxy) };
    return proxied(proxy, stallMs, { path: url.href, headers: { ...headers, ...ofProxy } });
  }
  const socket = await tunnel(url, proxy, stallMs);
  // [RFC 6066 3] an address is no server name. The certificate is held against `host`.
  const host = bareHost(url);
  const servername = isIP(host) === 0 ? host : "";
  return httpsRequest(url, { headers, createConnection: () => tlsConnect({ socket, host, servername }) });
}

/** A connection through the proxy to the address's host. */
async function tunnel(url: URL, proxy: URL, stallMs: number): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || 443}`;
  const headers = { host: authority, ...proxyAuthorization(proxy) };
  const request = proxied(proxy, stallMs, { method: "CONNECT", path: authority, headers });
  return await new Promise((done, fail) => {
    request.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return done(socket);
      socket.destroy();
      fail(appError("download/proxy", `${proxy.host} answers ${statusCode} for ${authority}`));
    });
    answered(request, stallMs, proxy.host).catch(fail);
  });
}

function proxied(
  proxy: URL,
  timeout: number,
  options: { method?: string; path: string; headers: Record<string, string> },
): ClientRequest {
  const send = proxy.protocol === "https:" ? httpsRequest : httpRequest;
  // Not the URL itself: its user and password would become a header for the host behind.
  const { port, protocol } = proxy;
  return send({
    hostname: bareHost(proxy),
    protocol,
    ...(port !== "" && { port }),
    agent: false,
    timeout,
    ...options,
  });
}

function answered(request: ClientRequest, stallMs: number, host: string): Promise<Reply> {
  // Connecting counts by the request's own `timeout`, what follows by this.
  request.setTimeout(stallMs, () => request.destroy(new Error(`silent for ${stallMs / 1000} s`)));
  request.end();
  return new Promise((done, fail) => {
    // At once: what comes before anyone reads must not be lost.
    request.once("response", (response) => {
      done({ status: response.statusCode ?? 0, headers: response.headers, body: bodyOf(response) });
    });
    request.once("error", (cause: NodeJS.ErrnoException) => {
      // OpenSSL's and Node's codes, such as SELF_SIGNED_CERT_IN_CHAIN and UNABLE_TO_VERIFY_LEAF_SIGNATURE.
      const isDistrusted = /CERT|_SIGNATURE|_ISSUER/.test(cause.code ?? "");
      const text = `${host}: ${cause.message || cause.code || "no connection"}`;
      fail(appError(isDistrusted ? "download/certificate" : "download/unreachable", text, { cause }));
    });
  });
}

/** IPv6 addresses without their brackets. */
function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}
