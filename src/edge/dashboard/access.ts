import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { appError } from "../../kernel/errors.ts";

/** Who may see the page. */
export interface Access {
  allows(request: IncomingMessage): boolean;
  /** The cookie of a browser that knows the token; undefined where the token is wrong. */
  signIn(token: string): string | undefined;
}

export interface AccessOptions {
  /** Where it listens. */
  readonly host: string;
  /** The node's name: nodes at one address have a cookie each. */
  readonly node: string;
  readonly token: string | undefined;
}

const minTokenLength = 16;

/**
 * Without a token everyone who reaches the address may, and then only this machine reaches it.
 * @throws AppError `dashboard/no-token`, `dashboard/weak-token`
 */
export function createAccess({ host, node, token }: AccessOptions): Access {
  if (token === undefined) {
    if (!isLoopback(host)) throw appError("dashboard/no-token", `${host} can be reached by others`);
    return { allows: () => true, signIn: () => undefined };
  }
  if (token.length < minTokenLength) {
    throw appError("dashboard/weak-token", `the token has ${token.length} characters of at least ${minTokenLength}`);
  }
  const name = `l2p-edge-${node}`;
  // What the cookie holds opens this page and does not tell the token.
  const session = digest(`${name} ${token}`).toString("hex");
  const isToken = matcher(token);
  const isSession = matcher(session);
  return {
    allows({ headers }) {
      const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
      return (bearer !== undefined && isToken(bearer)) || isSession(cookie(headers.cookie, name));
    },
    // Strict: no other site's link or form brings it along.
    signIn: (given) =>
      isToken(given) ? `${name}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000` : undefined,
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Takes the same time however much of it is right: digests have one length. */
function matcher(secret: string): (given: string) => boolean {
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function cookie(header: string | undefined, name: string): string {
  const pair = (header ?? "").split(";").find((one) => one.trimStart().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1) ?? "";
}
