import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer as createProxy } from "node:http";
import { createServer as createHub } from "node:https";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { cleanUps } from "../support/clean-up.ts";
import { type Ran, runCli } from "../support/cli.ts";
import { type FileServer, fileServer, serve } from "../support/file-server.ts";
import { transformersNames } from "../support/foreign-names.ts";
import { tinyModel } from "../support/tiny-model.ts";

const started = cleanUps();
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-cli-model-"));
  await writeFile(join(root, "catalogue.json"), JSON.stringify({ v: 1, models: [], hub: [entry] }));
});
afterEach(() => rm(root, { recursive: true }));

const tiny = tinyModel();
const stored = new Map([...tiny.weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")]));
const file = encodeSafetensors(stored);
const { architecture, mean, std, resize, kernel, licence } = tiny.manifest;
const hubFile = { repo: "timm/tiny", revision: "main", file: "model.safetensors" };
const entry = { name: "tiny", ...hubFile, architecture, mean, std, resize, kernel, licence, source: "a test" };

const model = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  runCli(["model", ...args], { cwd: root, env: { XDG_DATA_HOME: root, ...env } });

describe("model pull", () => {
  it("installs what other commands find by its name", async () => {
    const hub = await fileServer((request, response) => serve(file, request, response));
    started(hub, (running) => running.close());
    const env = { HF_ENDPOINT: `${hub.url}/`, HF_TOKEN: "hf_secret" };
    const pulled = await model(["pull", "tiny", "--catalogue", "catalogue.json"], env);
    expect(pulled.stderr).toContain("trusted on first use");
    expect(pulled.stderr).toContain("use it: --model tiny");
    expect(`${pulled.stderr}${pulled.stdout}`).not.toContain("hf_secret");
    expect(pulled).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^tiny: 16 px, in .+, sha256 [0-9a-f]{64}\n$/),
    });
    expect(hub.seen[0]!.headers.authorization).toBe("Bearer hf_secret");

    const verified = await model(["verify", "tiny"]);
    expect(verified).toMatchObject({ status: 0, stdout: expect.stringMatching(/^tiny: ok\. /) });
    const shown = JSON.parse((await model(["show", "tiny", "--json"])).stdout) as object;
    expect(shown).toMatchObject({
      name: "tiny",
      origin: { from: `${hub.url}/timm/tiny/resolve/main/model.safetensors` },
    });
    const listed = JSON.parse((await model(["list", "--json"])).stdout) as { installed: object[]; catalogue: object[] };
    expect(listed.installed).toMatchObject([{ name: "tiny", manifest: { licence } }]);
    expect(listed.catalogue).toHaveLength(9);
  });

  it("goes on, after it was killed, where it was", async () => {
    const hub = await fileServer((request, response, count) => {
      if (count > 0) return serve(file, request, response);
      response.writeHead(200, { "content-length": file.length, etag: '"v1"' }).write(file.subarray(0, 5000));
    });
    started(hub, (running) => running.close());
    const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
    const args = ["model", "pull", "tiny", "--catalogue", "catalogue.json", "--models", "models"];
    const env = { PATH: process.env["PATH"], HF_ENDPOINT: hub.url };
    const child = spawn(process.execPath, [main, ...args], { cwd: root, env, stdio: "ignore" });
    started(child, (running) => void running.kill("SIGKILL"));
    const part = join(root, "models", ".work", "tiny", "download.part");
    await vi.waitFor(async () => expect((await stat(part)).size).toBe(5000), { timeout: 50_000 });
    const gone = new Promise((done) => child.once("close", done));
    child.kill("SIGKILL");
    await gone;

    const again = await model(args.slice(1), { HF_ENDPOINT: hub.url });
    expect(again).toMatchObject({ status: 0 });
    expect(hub.seen[1]!.headers.range).toBe("bytes=5000-");
    expect(await readdir(join(root, "models"))).toEqual(["tiny"]);
    expect(again.stderr).toContain("use it: --model models/tiny");
  });

  it.skipIf(!existsSync("/usr/bin/openssl"))("goes through a proxy to an https hub (needs openssl)", async () => {
    const [key, cert] = [join(root, "key.pem"), join(root, "cert.pem")];
    const subject = ["-subj", "/CN=hub.test", "-addext", "subjectAltName=DNS:hub.test,IP:192.0.2.1"];
    const made = [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "1",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ];
    execFileSync("openssl", made, { stdio: "ignore" });
    const authorizations: (string | undefined)[] = [];
    const hub = createHub({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
      authorizations.push(request.headers.authorization);
      serve(file, request, response);
    });
    const hubPort = await listening(hub);
    const tunnels: string[] = [];
    const proxy = createProxy();
    proxy.on("connect", (request, socket) => {
      tunnels.push(`${request.url} ${request.headers["proxy-authorization"]}`);
      const upstream = connect(hubPort, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      for (const end of [socket, upstream]) end.on("error", () => {});
    });
    const proxyPort = await listening(proxy);
    const env = { HF_ENDPOINT: "https://hub.test", HF_TOKEN: "t", HTTPS_PROXY: `http://me:pw@127.0.0.1:${proxyPort}` };

    const distrusted = await model(["pull", "tiny", "--catalogue", "catalogue.json"], {
      ...env,
      HTTPS_PROXY: `127.0.0.1:${proxyPort}`,
      NODE_EXTRA_CA_CERTS: "",
    });
    expect(distrusted).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("download/certificate: hub.test by proxy: self-signed"),
    });
    const { status, stderr } = await model(["pull", "tiny", "--catalogue", "catalogue.json"], {
      ...env,
      NODE_EXTRA_CA_CERTS: cert,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("trusted on first use") });
    expect(tunnels.at(-1)).toBe(`hub.test:443 Basic ${Buffer.from("me:pw").toString("base64")}`);
    expect(authorizations).toEqual(["Bearer t"]);

    // An address is held against the certificate's addresses, and not against the proxy's name.
    const byAddress = async (address: string): Promise<string> => {
      const args = ["pull", "tiny", "--catalogue", "catalogue.json", "--name", "by-address"];
      const asked = { ...env, HF_ENDPOINT: `https://${address}`, NODE_EXTRA_CA_CERTS: cert };
      return (await model(args, asked)).stderr;
    };
    expect(await byAddress("192.0.2.2")).toContain("download/certificate: 192.0.2.2 by proxy: ");
    expect(await byAddress("192.0.2.1")).toContain("trusted on first use");
  });

  it.each([
    [
      ["vit_tiny_patch16_224.augreg_in21k_ft_in1"],
      {},
      "model/unknown: the catalogue has no .*did you mean vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    ],
    [["vit_base_patch16_clip_224.openai"], {}, "model/unsupported: .*CLIP.*quick-GELU"],
    [["deit_tiny_distilled_patch16_224.fb_in1k"], {}, "model/unsupported: .*distillation token"],
    [["tiny", "--catalogue", "absent.json"], {}, "file/unreadable: "],
    [["tiny", "--catalogue", "catalogue.json"], { HF_ENDPOINT: "ftp://hub" }, "download/endpoint: "],
    [["tiny", "--catalogue", "catalogue.json", "--name", "../x"], {}, "model/name: "],
    [["tiny", "--catalogue", "catalogue.json", "--image-size", "0"], {}, "cli/usage: "],
  ])("of %j with %j fails in one coded line", async (args, env, says) => {
    const { status, stdout, stderr } = await model(["pull", ...args], env);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^(https?://.*\\n)?l2p-edge: ${says}.*\\n$`));
  });
});

describe("variants", () => {
  let hub: FileServer;
  beforeEach(async () => {
    hub = await fileServer((request, response) => serve(file, request, response));
    started(hub, (running) => running.close());
  });
  const pull = async (...args: readonly string[]): Promise<Ran> => {
    return await model(["pull", "tiny", "--catalogue", "catalogue.json", ...args], { HF_ENDPOINT: hub.url });
  };
  const installed = (): string => join(root, "l2p-edge", "models", "tiny");
  const expectRuns = async (name: string): Promise<void> => {
    expect(await model(["verify", name])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^tiny: ok\. /) });
  };

  it("are made by pull --precision, beside the model, and told after it", async () => {
    const { status, stdout, stderr } = await pull("--precision", "int8");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^tiny: 16 px, in \S+\/tiny, sha256 \S+\ntiny: 16 px, in \S+\/tiny\/int8, sha256 \S+\n$/);
    const said = [
      "trusted on first use",
      "use it: --model tiny\n",
      "products rounded to int8",
      "use it: --model tiny/int8\n",
    ];
    const at = said.map((text) => stderr.indexOf(text));
    expect(at).not.toContain(-1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    await expectRuns("tiny/int8");

    // Of a model that is there, only the variant is made.
    const again = await pull("--precision", "fp16", "--json");
    expect(again.status).toBe(0);
    const told = JSON.parse(again.stdout) as { sha256: string };
    expect(told).toMatchObject({
      folder: installed(),
      notes: ["it is installed, and whole"],
      variant: { name: "tiny", folder: join(installed(), "fp16"), notes: ["rounded to fp16"] },
    });
    expect(JSON.parse(await readFile(join(installed(), "fp16", "manifest.json"), "utf8"))).toMatchObject({
      precision: "fp16",
      variantOf: told.sha256,
    });
  });

  it("that cannot be made leave the pulled model, said before", async () => {
    const half = encodeSafetensors(
      new Map([...tiny.weights].map(([name, weight]) => [name, fromFloat32(weight, "F16")])),
    );
    const halfHub = await fileServer((request, response) => serve(half, request, response));
    started(halfHub, (running) => running.close());
    const args = ["pull", "tiny", "--catalogue", "catalogue.json", "--precision", "fp16"];
    const { status, stdout, stderr } = await model(args, { HF_ENDPOINT: halfHub.url });
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringMatching(/^tiny: 16 px, .*\n$/) });
    expect(stderr).toContain("use it: --model tiny\n");
    expect(stderr).toMatch(/\nl2p-edge: model\/precision: tiny is stored in fp16 already\. .*\n$/);
    await expectRuns("tiny");
  });

  it("are made by convert, of an installed model or as one of its own", async () => {
    await pull();
    const int8 = await model(["convert", "tiny", "--precision", "int8"]);
    expect(int8).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^tiny: 16 px, in \S+\/tiny\/int8, sha256 \S+\n$/),
      stderr: "  8 of 8 products rounded to int8\n  use it: --model tiny/int8\n",
    });
    await expectRuns("tiny/int8");
    const own = await model(["convert", "tiny", "--precision", "fp16", "--name", "half", "--json"]);
    expect(JSON.parse(own.stdout)).toMatchObject({ name: "half", notes: ["rounded to fp16"] });
    expect(JSON.parse((await model(["show", "half", "--json"])).stdout)).toMatchObject({ precision: "fp16" });
    const again = await model(["convert", "tiny", "--precision", "int8", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ notes: ["it is there, and whole"] });
  });

  it.each([
    [["tiny"], "cli/usage: .*--precision"],
    [["tiny", "--precision", "fp4"], "cli/usage: .*fp16, int8"],
    [["tiny", "--precision", "int8"], "model/not-found: "],
    [["./tiny", "--precision", "int8"], "model/name: "],
  ])("by convert %j fail in one coded line where nothing is", async (args, says) => {
    const { status, stdout, stderr } = await model(["convert", ...args]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^l2p-edge: ${says}.*\\n$`));
  });

  it("are listed with their sizes, and with what is wrong with them", async () => {
    await pull("--precision", "int8");
    await model(["convert", "tiny", "--precision", "fp16"]);
    const sizes = await Promise.all(
      ["", "fp16", "int8"].map(async (at) => (await stat(join(installed(), at, "model.safetensors"))).size),
    );
    const list = async (): Promise<object> => JSON.parse((await model(["list", "--json"])).stdout) as object;
    expect(await list()).toMatchObject({
      installed: [
        {
          name: "tiny",
          folder: installed(),
          precision: "fp32",
          sizeBytes: sizes[0],
          manifest: { licence },
          variants: [
            { name: "tiny/fp16", folder: join(installed(), "fp16"), precision: "fp16", sizeBytes: sizes[1] },
            { name: "tiny/int8", precision: "int8", sizeBytes: sizes[2], manifest: { precision: "int8" } },
          ],
        },
      ],
    });
    const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    const { stdout } = await model(["list"]);
    expect(stdout).toMatch(/^Embedded\n(.*\n){3} {4}fp16, 5\.4 MB\n/);
    expect(stdout).toContain(
      `    fp32, ${size(sizes[0]!)}\n    tiny/fp16: ${size(sizes[1]!)}\n    tiny/int8: ${size(sizes[2]!)}\n`,
    );

    // One of other weights, one cut short, one whose weights are gone.
    const fp16 = join(installed(), "fp16", "manifest.json");
    const manifest = JSON.parse(await readFile(fp16, "utf8")) as object;
    await writeFile(fp16, JSON.stringify({ ...manifest, variantOf: "0".repeat(64) }));
    await writeFile(join(installed(), "int8", "model.safetensors"), file.subarray(0, 100));
    await rm(join(installed(), "model.safetensors"));
    expect(await list()).toMatchObject({
      installed: [
        {
          name: "tiny",
          error: { code: "model/not-found" },
          variants: [
            { name: "tiny/fp16", error: { code: "model/variant" } },
            { name: "tiny/int8", error: { code: "safetensors/cut-short" } },
          ],
        },
      ],
    });
    expect((await model(["list"])).stdout).toMatch(
      / {2}tiny\n {4}model\/not-found: .*\n {4}tiny\/fp16: model\/variant: .*\n {4}tiny\/int8: safetensors\/cut-short: /,
    );
  });

  it("are no failure of list when its reader has read enough", async () => {
    const { stderr } = await runCli(["model", "list"], { onStart: ({ stdout }) => stdout!.destroy() });
    expect(stderr).toBe("");
  });
});

it("nothing that runs a model lets the runtime report to its makers, or keeps their identifier", async () => {
  await writeFile(join(root, "w.safetensors"), file);
  // Under it, ~/.cache; a CI's own variables would silence the runtime too, and are not there.
  const env = { HOME: root };
  const made = await model(["import", "w.safetensors", "--name", "tiny", "--heads", "3", "--precision", "int8"], env);
  expect(made).toMatchObject({ status: 0 });
  expect(await model(["verify", "tiny"], env)).toMatchObject({ status: 0 });
  expect((await readdir(root)).toSorted()).toEqual(["catalogue.json", "l2p-edge", "w.safetensors"]);
});

describe("model import", () => {
  it("takes a file in Hugging Face's names, at another size, and the model runs", async () => {
    await writeFile(join(root, "w.safetensors"), encodeSafetensors(transformersNames(stored, "vit.")));
    const flags = ["--heads", "3", "--image-size", "24", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"];
    const { status, stdout, stderr } = await model(["import", "w.safetensors", "--name", "mine", "--json", ...flags]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { folder, notes } = JSON.parse(stdout) as { folder: string; notes: string[] };
    expect(folder).toBe(join(root, "l2p-edge", "models", "mine"));
    expect(notes).toContain("position embeddings 2×2 → 3×3 (bicubic, antialiased)");
    expect(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"))).toMatchObject({
      mean: [0.485, 0.456, 0.406],
    });
    expect(await model(["verify", "mine"])).toMatchObject({ status: 0 });
    const listed = await model(["list"]);
    expect(listed.stdout).toContain(`Installed in ${join(root, "l2p-edge", "models")}\n  mine\n`);
  });

  it.each([
    [["w.safetensors"], "cli/usage: "],
    [["w.safetensors", "--name", "x", "--mean", "0.5"], "cli/usage: .*three numbers"],
    [["w.safetensors", "--name", "x", "--std", "0,1,1"], "cli/usage: .*three numbers"],
    [["w.safetensors", "--name", "x", "--resize", "squash"], "cli/usage: .*cover, fill"],
    [["w.safetensors", "--name", "x"], "safetensors/cut-short: "],
    [["absent.safetensors", "--name", "x"], "model/not-found: "],
    [["w.safetensors", "--name", ".."], "model/name: "],
  ])("of %j fails in one coded line", async (args, says) => {
    await writeFile(join(root, "w.safetensors"), file.subarray(0, 4000));
    const { status, stdout, stderr } = await model(["import", ...args]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^l2p-edge: ${says}.*\\n$`));
    expect(existsSync(join(root, "l2p-edge", "models", "x"))).toBe(false);
  });
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  started(server, () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
}
