import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { get } from "../../src/models/http.ts";
import { type Environment, proxyFor } from "../../src/models/proxy.ts";
import { cleanUps } from "../support/clean-up.ts";
import { fileServer } from "../support/file-server.ts";

const started = cleanUps();
const proxy = "http://proxy.test:3128";
const hub = "https://huggingface.co/timm";

describe("the proxy in the environment", () => {
  it.each<[Environment, string, string | undefined]>([
    [{}, hub, undefined],
    [{ HTTPS_PROXY: proxy }, hub, `${proxy}/`],
    [{ https_proxy: proxy }, hub, `${proxy}/`],
    [{ https_proxy: proxy, HTTPS_PROXY: "http://other" }, hub, `${proxy}/`],
    [{ HTTP_PROXY: proxy }, hub, undefined],
    [{ HTTP_PROXY: proxy }, "http://mirror", `${proxy}/`],
    [{ ALL_PROXY: proxy }, hub, `${proxy}/`],
    [{ HTTPS_PROXY: "", ALL_PROXY: "" }, hub, undefined],
    [{ HTTPS_PROXY: "proxy.test:3128" }, hub, `${proxy}/`],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "*" }, hub, undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "huggingface.co" }, hub, undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "HuggingFace.CO" }, hub, undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "other, huggingface.co:443" }, hub, undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "huggingface.co:8443" }, hub, `${proxy}/`],
    [{ HTTPS_PROXY: proxy, no_proxy: ".huggingface.co" }, "https://cdn.huggingface.co/x", undefined],
    [{ HTTPS_PROXY: proxy, no_proxy: "*.huggingface.co" }, "https://cdn.huggingface.co/x", undefined],
    [{ HTTPS_PROXY: proxy, no_proxy: "gface.co" }, hub, `${proxy}/`],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "[::1],127.0.0.1" }, "https://[::1]:8443/", undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "::1" }, "https://[::1]/", undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "127.0.0.1" }, "https://127.0.0.1/", undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: " , ,,:,." }, hub, `${proxy}/`],
  ])("%j for %s is %s", (env, url, expected) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(expected);
  });

  it.each(["socks5://proxy:1080", "http://", "http://user:secret@:bad"])("%j is refused without its text", (text) => {
    expect(() => proxyFor(new URL(hub), { HTTPS_PROXY: text })).toThrow(
      expect.objectContaining({ code: "download/proxy", message: expect.not.stringContaining("secret") }),
    );
  });
});

interface Connect {
  readonly authority: string;
  readonly headers: IncomingHttpHeaders;
}

/** A proxy that answers CONNECT as it is told and opens nothing. */
async function refusingProxy(status: string): Promise<{ url: string; seen: Connect[] }> {
  const seen: Connect[] = [];
  const server = createServer();
  server.on("connect", ({ url, headers }, socket) => {
    seen.push({ authority: url!, headers });
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  started(server, () => new Promise((done) => server.close(done)));
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const options = { headers: {}, stallMs: 2000 };

describe("through a proxy", () => {
  it("an http address is asked for whole, with the proxy's own login and the hub's token apart", async () => {
    const server = await fileServer((_, response) => response.end("through"));
    started(server, (running) => running.close());
    const env = { http_proxy: `http://me:p%40ss@127.0.0.1:${server.port}` };
    const url = new URL("http://hub.test/timm/tiny");
    const { status, body } = await get(url, { ...options, env, secretHeaders: { authorization: "Bearer t" } });
    expect(status).toBe(200);
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("through");
    expect(server.seen[0]).toMatchObject({
      path: "http://hub.test/timm/tiny",
      headers: {
        host: "hub.test",
        authorization: "Bearer t",
        "proxy-authorization": `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
      },
    });
  });

  it.each(["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])(
    "that answers %s is told",
    async (status) => {
      const { url, seen } = await refusingProxy(status);
      const env = { HTTPS_PROXY: `http://me:secret@${url}` };
      const asked = get(new URL("https://hub.test/x"), {
        ...options,
        env,
        secretHeaders: { authorization: "Bearer t" },
      });
      await expect(asked).rejects.toMatchObject({
        code: "download/proxy",
        message: expect.stringMatching(new RegExp(`^(?!.*secret).*${status.slice(0, 3)}`)),
      });
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ authority: "hub.test:443", headers: { host: "hub.test:443" } });
      // The token is for the hub alone, inside the tunnel.
      expect(seen[0]!.headers.authorization).toBeUndefined();
    },
  );

  it("with a % in its password that is not written out is told, without the password", async () => {
    const env = { HTTPS_PROXY: "http://me:50%off@127.0.0.1:9" };
    await expect(get(new URL(hub), { ...options, env })).rejects.toMatchObject({
      code: "download/proxy",
      message: expect.not.stringContaining("50"),
    });
  });

  it("that is not there is told with its own address", async () => {
    const gone = await fileServer(() => {});
    await gone.close();
    const env = { HTTPS_PROXY: gone.url };
    await expect(get(new URL(hub), { ...options, env })).rejects.toMatchObject({
      code: "download/unreachable",
      message: expect.stringContaining(String(gone.port)),
    });
  });
});
