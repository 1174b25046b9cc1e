import { readFile } from "node:fs/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { appError } from "../kernel/errors.ts";

export interface TlsFiles {
  /** PEM; the system's CAs where absent. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name the broker's certificate must have; the URL's host where absent. */
  readonly serverName?: string | undefined;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Undefined: no TLS. */
  readonly tls: TlsFiles | undefined;
}

/** @param url `mqtt://host[:1883]` or `mqtts://host[:8883]`, without user information. */
export function endpointOf(url: string, tls: TlsFiles): Endpoint {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "mqtts:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1"); // IPv6
  return { host, port: port === "" ? (secure ? 8883 : 1883) : Number(port), tls: secure ? tls : undefined };
}

/** For messages to people. */
export function placeOf({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Begins to connect. The files are read each time, so that a renewed certificate needs no restart; the broker's
 * certificate is always verified: a CA of one's own goes into `caFile`.
 * @throws AppError `mqtt/tls` for an unreadable file
 */
export async function openSocket(endpoint: Endpoint): Promise<Socket> {
  const { host, port, tls } = endpoint;
  if (tls === undefined) return connectTcp({ host, port, noDelay: true });
  const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map(readPem));
  const name = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  try {
    return connectTls({
      host,
      port,
      ca,
      cert,
      key,
      ...(name !== undefined && { servername: name }),
      rejectUnauthorized: true,
    });
  } catch (cause) {
    // OpenSSL reads the PEM at once and throws where it is none.
    throw appError("mqtt/tls", `a file of mqtt.tls is no valid PEM: ${(cause as Error).message}`, { cause });
  }
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw appError("mqtt/tls", `cannot read ${path}`, { cause });
  }
}
