import { appError } from "../kernel/errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY as curl reads them, in small or large
 * letters; undefined for none. Node itself reads them only from version 24 on.
 * @throws AppError `download/proxy` for one that is no http or https address
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isExcepted(url, read(env, "no_proxy") ?? "")) return undefined;
  const text = read(env, `${url.protocol.slice(0, -1)}_proxy`) ?? read(env, "all_proxy");
  if (text === undefined) return undefined;
  try {
    const proxy = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    if (proxy.protocol === "http:" || proxy.protocol === "https:") return proxy;
  } catch {
    // Told below; the text itself may hold a password.
  }
  throw appError("download/proxy", `the proxy in the environment for ${url.protocol}// is no http or https address`);
}

/** The header with the proxy's user and password, where its address has them. @throws AppError `download/proxy` */
export function proxyAuthorization(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === "") return {};
  try {
    const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
  } catch {
    // Without the text, which is a password.
    throw appError("download/proxy", "a % in the proxy's user or password must be written %25");
  }
}

function read(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}

/** `*`, a host, a domain with or without its first dot, each with or without a port. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const ports = [port || (protocol === "https:" ? "443" : "80"), undefined];
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, host = "", entryPort] = /^(?:\*?\.)?(\[[^\]]+\]|[^:]+|[0-9a-f:]+)(?::(\d+))?$/.exec(entry) ?? [];
      const name = host.replace(/^\[|\]$/g, "");
      return name !== "" && ports.includes(entryPort) && (bare === name || bare.endsWith(`.${name}`));
    });
}
