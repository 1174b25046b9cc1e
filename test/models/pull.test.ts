import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HubModel } from "../../src/backbone/catalogue.ts";
import { loadModel } from "../../src/backbone/model.ts";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import type { Installed } from "../../src/models/install.ts";
import { pullModel, type PullOptions } from "../../src/models/pull.ts";
import { cleanUps } from "../support/clean-up.ts";
import { fileServer, type FileServer, type Handler, serve } from "../support/file-server.ts";
import { transformersNames } from "../support/foreign-names.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const started = cleanUps();
let models: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), "l2p-pull-"));
});
afterEach(() => rm(models, { recursive: true }));

const tiny = tinyModel();
const stored = new Map([...tiny.weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")]));
const file = encodeSafetensors(stored, new Map([["format", "pt"]]));
const sha256 = createHash("sha256").update(file).digest("hex");
const { architecture, mean, std, resize, kernel, licence } = tiny.manifest;
const entry: HubModel = {
  name: "tiny",
  repo: "timm/tiny",
  revision: "main",
  file: "model.safetensors",
  source: "a test",
  architecture,
  mean,
  std,
  resize,
  kernel,
  licence,
};

async function server(handler: Handler): Promise<FileServer> {
  return started(await fileServer(handler), (running) => running.close());
}

function pull(
  from: FileServer | string,
  options: Partial<PullOptions> & { entry?: Partial<HubModel> } = {},
): Promise<Installed> {
  const { entry: changes, ...rest } = options;
  return pullModel({
    model: { ...entry, ...changes },
    hub: { endpoint: typeof from === "string" ? from : from.url },
    modelsFolder: models,
    env: {},
    stallMs: 2000,
    retryDelaysMs: [],
    ...rest,
  });
}

/** What waits for the next try. */
async function part(): Promise<Buffer | undefined> {
  return await readFile(join(models, ".work", "tiny", "download.part")).catch(() => undefined);
}

async function expectWhole(): Promise<void> {
  expect(await readdir(models)).toEqual(["tiny"]);
  expect((await loadModel("tiny", { modelsFolder: models })).weights).toEqual(tiny.weights);
}

async function expectNothingInstalled(): Promise<void> {
  expect((await readdir(models)).filter((name) => name !== ".work")).toEqual([]);
}

describe("model pull", () => {
  it("installs what the hub has, byte for byte, and says that it trusts it", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    const progress: (readonly [number, number | undefined])[] = [];
    const { folder, manifest, notes } = await pull(hub, { onProgress: (done, total) => progress.push([done, total]) });
    await expectWhole();
    expect(hub.seen.map(({ path }) => path)).toEqual(["/timm/tiny/resolve/main/model.safetensors"]);
    expect(await readFile(join(folder, "model.safetensors"))).toEqual(Buffer.from(file));
    expect(manifest).toMatchObject({ name: "tiny", sha256, architecture, mean, std, licence, source: "a test" });
    expect(manifest.origin).toEqual({
      from: `${hub.url}/timm/tiny/resolve/main/model.safetensors`,
      sha256,
      sizeBytes: file.length,
      trust: "first-use",
    });
    expect(notes.join()).toContain(`${sha256} is trusted on first use`);
    expect(progress.at(-1)).toEqual([file.length, file.length]);
  });

  it("of a known hash trusts nothing new", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    const { manifest, notes } = await pull(hub, { entry: { sha256, sizeBytes: file.length } });
    expect(manifest.origin?.trust).toBe("catalogue");
    expect(notes).toEqual([]);
  });

  it("of an installed, whole model asks nothing of the hub", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    await pull(hub);
    expect((await pull(hub)).notes).toEqual(["it is installed, and whole"]);
    expect(hub.seen).toHaveLength(1);
    await expect(pull(hub, { imageSize: 32 })).rejects.toMatchObject({ code: "model/installed" });
    await expectWhole();
  });

  it("replaces a damaged model by the file that was trusted before, and by no other", async () => {
    let served: Uint8Array = file;
    const hub = await server((request, response) => serve(served, request, response));
    await pull(hub);
    await writeFile(join(models, "tiny", "model.safetensors"), "damaged");
    served = encodeSafetensors(
      new Map(stored).set("norm.bias", fromFloat32({ data: new Float32Array(12), shape: [12] }, "F32")),
    );
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/hash" });
    served = file;
    const { notes } = await pull(hub);
    expect(notes).toEqual(["it was damaged (model/hash) and is replaced"]);
    await expectWhole();
  });

  it("from another mirror is the same model: whole it stays, damaged it must be the same file", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    await pull(hub);
    let served: Uint8Array = file;
    const mirror = await server((request, response) => serve(served, request, response));
    const atPath = `${mirror.url}/mirrors/hf`;
    expect((await pull(atPath)).notes).toEqual(["it is installed, and whole"]);
    await writeFile(join(models, "tiny", "model.safetensors"), "damaged");
    served = encodeSafetensors(transformersNames(stored));
    await expect(pull(atPath)).rejects.toMatchObject({ code: "download/hash" });
    served = file;
    await pull(atPath);
    await expectWhole();
  });

  it.each([
    ["a folder of something else", async (folder: string) => writeFile(join(folder, "photo.jpg"), "x")],
    [
      "a model of the user's with a damaged manifest",
      async (folder: string) => {
        await writeModel(folder, tiny);
        await writeFile(join(folder, "manifest.json"), "{");
      },
    ],
    [
      "a damaged model from elsewhere",
      async (folder: string) => {
        const { weightsPath } = await writeModel(folder, tiny);
        await writeFile(weightsPath, "damaged");
      },
    ],
  ])("never replaces %s", async (_, put) => {
    const hub = await server((request, response) => serve(file, request, response));
    await mkdir(join(models, "tiny"));
    await put(join(models, "tiny"));
    const before = await readdir(join(models, "tiny"));
    await expect(pull(hub)).rejects.toMatchObject({ code: "model/installed" });
    expect(await readdir(join(models, "tiny"))).toEqual(before);
    expect(hub.seen).toEqual([]);
  });

  it("of a size that its patches do not fill asks nothing of the hub", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    await expect(pull(hub, { imageSize: 20 })).rejects.toMatchObject({ code: "model/image-size" });
    expect(hub.seen).toEqual([]);
  });

  it("that cannot be installed leaves what came, and the next one downloads nothing again", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    const onProgress = (done: number): void => {
      if (done === file.length) writeFileSync(join(models, "tiny"), "in the way");
    };
    await expect(pull(hub, { onProgress })).rejects.toMatchObject({ code: "model/installed" });
    expect(await part()).toEqual(Buffer.from(file));
    await rm(join(models, "tiny"));
    await pull(hub);
    await expectWhole();
    expect(hub.seen.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${file.length}-`]);
  });

  it("converts Hugging Face's names, and another image size under another name", async () => {
    const foreign = encodeSafetensors(transformersNames(stored, "vit."));
    const hub = await server((request, response) => serve(foreign, request, response));
    const { manifest, notes } = await pull(hub);
    await expectWhole();
    expect(manifest.origin?.sha256).toBe(createHash("sha256").update(foreign).digest("hex"));
    expect(notes).toContain("q, k and v joined");
    const larger = await pull(hub, { name: "tiny-32", imageSize: 32 });
    expect(larger.manifest.architecture.imageSize).toBe(32);
    expect((await readdir(models)).toSorted()).toEqual(["tiny", "tiny-32"]);
  });

  it("keeps what the hub says of itself: its commit, and its own hash", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const headers = { "x-linked-etag": `"${sha256}"`, "x-linked-size": String(file.length), "x-repo-commit": commit };
    const hub = await server((request, response) => serve(file, request, response, { headers }));
    const { manifest, notes } = await pull(hub);
    expect(manifest.origin?.revision).toBe(commit);
    expect(notes.join()).toContain("the hub itself says the same");
  });
});

describe("a connection that is cut", () => {
  it("leaves what came, and the next pull goes on there", async () => {
    const hub = await server((request, response, count) =>
      serve(file, request, response, count === 0 ? { cutAfter: 1000 } : {}),
    );
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/cut-short" });
    await expectNothingInstalled();
    expect(await part()).toEqual(Buffer.from(file.subarray(0, 1000)));
    await pull(hub);
    await expectWhole();
    expect(hub.seen[1]!.headers).toMatchObject({ range: "bytes=1000-", "if-range": '"v1"' });
  });

  it("again and again is gone on with as long as something comes", async () => {
    const hub = await server((request, response) => serve(file, request, response, { cutAfter: 3000 }));
    const told: string[] = [];
    await pull(hub, { retryDelaysMs: [0], onRetry: ({ code }) => told.push(code) });
    await expectWhole();
    expect(hub.seen).toHaveLength(Math.ceil(file.length / 3000));
    expect(new Set(told)).toEqual(new Set(["download/cut-short"]));
  });

  it("without a byte ends after the tries that it was given", async () => {
    const hub = await server((_, response) => response.destroy());
    await expect(pull(hub, { retryDelaysMs: [0, 0] })).rejects.toMatchObject({ code: "download/unreachable" });
    expect(hub.seen).toHaveLength(3);
  });

  it("is gone on with only if the file is still the same", async () => {
    const other = encodeSafetensors(transformersNames(stored));
    const hub = await server((request, response, count) =>
      count === 0
        ? serve(other, request, response, { cutAfter: 1000 })
        : serve(file, request, response, { etag: '"v2"' }),
    );
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/cut-short" });
    await pull(hub);
    await expectWhole();
  });

  it.each([
    ["that ignores ranges", { ignoreRange: true }, "bytes=1000-"],
    ["without an ETag", { etag: "" }, undefined],
    ["with a weak ETag", { etag: 'W/"v1"' }, undefined],
  ])("from a server %s begins anew", async (_, options, range) => {
    const hub = await server((request, response, count) =>
      serve(file, request, response, { ...options, ...(count === 0 && { cutAfter: 1000 }) }),
    );
    await pull(hub, { retryDelaysMs: [0] });
    await expectWhole();
    expect(hub.seen[1]!.headers.range).toBe(range);
  });

  it("with a range that was not asked for begins anew", async () => {
    const hub = await server((request, response, count) => {
      if (count !== 1) return serve(file, request, response, count === 0 ? { cutAfter: 1000 } : {});
      response
        .writeHead(206, { "content-range": `bytes 500-${file.length - 1}/${file.length}` })
        .end(file.subarray(500));
    });
    await pull(hub, { retryDelaysMs: [0, 0] });
    await expectWhole();
  });

  it("with a part of a file that changed begins anew", async () => {
    const hub = await server((request, response, count) => {
      if (count !== 1) return serve(file, request, response, count === 0 ? { cutAfter: 1000 } : { etag: '"v2"' });
      const range = `bytes 1000-${file.length - 1}/${file.length}`;
      response.writeHead(206, { "content-range": range, etag: '"v2"' }).end(file.subarray(1000));
    });
    await pull(hub, { retryDelaysMs: [0, 0] });
    await expectWhole();
    expect(hub.seen).toHaveLength(3);
    expect(hub.seen[2]!.headers.range).toBeUndefined();
  });

  it("is gone on with by the file's date, where its ETag is weak", async () => {
    const date = "Wed, 25 Nov 2026 08:00:00 GMT";
    const hub = await server((request, response, count) => {
      expect(request.headers["if-range"]).toBe(count === 0 ? undefined : date);
      const headers = { etag: 'W/"v1"', "last-modified": date };
      serve(file, request, response, { etag: date, headers, ...(count === 0 && { cutAfter: 1000 }) });
    });
    await pull(hub, { retryDelaysMs: [0] });
    await expectWhole();
    expect(hub.seen[1]!.headers.range).toBe("bytes=1000-");
  });

  it("that falls silent is one", async () => {
    const hub = await server((request, response, count) => {
      if (count > 0) return serve(file, request, response);
      response.writeHead(200, { "content-length": file.length, etag: '"v1"' }).write(file.subarray(0, 2000));
    });
    await pull(hub, { stallMs: 100, retryDelaysMs: [0] });
    await expectWhole();
    expect(hub.seen[1]!.headers.range).toBe("bytes=2000-");
  });
});

describe("a server that lies", () => {
  it("about a shorter length is caught by the file's own header, and asked for the rest", async () => {
    const hub = await server((request, response, count) =>
      serve(file, request, response, count === 0 ? { length: 5000 } : {}),
    );
    await pull(hub, { retryDelaysMs: [0] });
    await expectWhole();
  });

  it("about a shorter length, always, installs nothing", async () => {
    const hub = await server((request, response) => serve(file.subarray(0, 5000), request, response));
    await expect(pull(hub, { retryDelaysMs: [0, 0] })).rejects.toMatchObject({ code: "download/size" });
    await expectNothingInstalled();
    expect(await part()).toBeUndefined();
  });

  it("about a longer length is caught when it ends", async () => {
    const hub = await server((request, response, count) =>
      serve(file, request, response, count === 0 ? { length: file.length + 5000 } : {}),
    );
    await pull(hub, { retryDelaysMs: [0] });
    await expectWhole();
  });

  it("by more bytes than the file has is caught by the file's own header", async () => {
    const longer = new Uint8Array([...file, ...new Uint8Array(100)]);
    const hub = await server((request, response) => serve(longer, request, response));
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/size" });
    await expectNothingInstalled();
    expect(await part()).toBeUndefined();
  });

  it("by saying no length and ending early is caught too", async () => {
    const hub = await server((request, response, count) =>
      serve(count === 0 ? file.subarray(0, 4000) : file, request, response, { length: null }),
    );
    await pull(hub, { retryDelaysMs: [0] });
    await expectWhole();
  });

  it("about a known size is refused before a byte is taken", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    await expect(pull(hub, { entry: { sizeBytes: file.length - 1 } })).rejects.toMatchObject({ code: "download/size" });
    const chunked = await server((request, response) => serve(file, request, response, { length: null }));
    await expect(pull(chunked, { entry: { sizeBytes: file.length - 1 } })).rejects.toMatchObject({
      code: "download/size",
    });
    await expectNothingInstalled();
  });

  it("with a file of another hash installs nothing and keeps nothing", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    await expect(pull(hub, { entry: { sha256: "0".repeat(64) } })).rejects.toMatchObject({
      code: "download/hash",
      message: expect.stringContaining(sha256),
    });
    const headers = { "x-linked-etag": `"${"1".repeat(64)}"` };
    const other = await server((request, response) => serve(file, request, response, { headers }));
    await expect(pull(other)).rejects.toMatchObject({ code: "download/hash", message: expect.stringContaining("hub") });
    await expectNothingInstalled();
    expect(await part()).toBeUndefined();
  });

  it("with weights of another shape installs nothing and keeps nothing", async () => {
    const hub = await server((request, response) => serve(file, request, response));
    const other = { ...architecture, depth: 3 };
    await expect(pull(hub, { entry: { architecture: other } })).rejects.toMatchObject({ code: "model/architecture" });
    await expectNothingInstalled();
    expect(await part()).toBeUndefined();
  });

  it("with weights that are not numbers installs nothing", async () => {
    const norm = fromFloat32({ data: new Float32Array(12).fill(NaN), shape: [12] }, "F32");
    const bad = encodeSafetensors(new Map(stored).set("norm.bias", norm));
    const hub = await server((request, response) => serve(bad, request, response));
    await expect(pull(hub)).rejects.toMatchObject({ code: "model/not-finite" });
    await expectNothingInstalled();
  });
});

describe("another answer", () => {
  it.each([
    [401, "download/denied", 1],
    [403, "download/denied", 1],
    [404, "download/not-found", 1],
    [410, "download/not-found", 1],
    [418, "download/refused", 1],
    [429, "download/refused", 2],
    [503, "download/refused", 2],
  ])("%i is %s, asked for %i times", async (status, code, times) => {
    const hub = await server((_, response) => response.writeHead(status).end("no"));
    await expect(pull(hub, { retryDelaysMs: [0] })).rejects.toMatchObject({ code });
    expect(hub.seen).toHaveLength(times);
    await expectNothingInstalled();
  });

  it.each([
    ["a portal's page", { "content-type": "text/html; charset=utf-8" }, "<!DOCTYPE html><h1>Log in</h1>"],
    [
      "a page that claims to be bytes",
      { "content-type": "application/octet-stream" },
      "<!DOCTYPE html><h1>Log in</h1>",
    ],
    ["JSON", { "content-type": "application/octet-stream" }, '{"error":"no such file here"}'],
    ["an LFS pointer", {}, "version https://git-lfs.github.com/spec/v1\noid sha256:0000"],
  ])("%s is no weights, and leaves nothing", async (_, headers, body) => {
    const hub = await server((__, response) => response.writeHead(200, { etag: '"v1"', ...headers }).end(body));
    await expect(pull(hub, { retryDelaysMs: [0] })).rejects.toMatchObject({ code: "download/not-weights" });
    expect(hub.seen).toHaveLength(1);
    await expectNothingInstalled();
    expect(await part()).toBeUndefined();
  });

  it("in an encoding that was not asked for is refused", async () => {
    const hub = await server((request, response) =>
      serve(file, request, response, { headers: { "content-encoding": "gzip" } }),
    );
    await expect(pull(hub)).rejects.toMatchObject({
      code: "download/refused",
      message: expect.stringContaining("gzip"),
    });
  });

  it("never, from a port where nothing listens, is told with the host", async () => {
    const gone = await fileServer(() => {});
    await gone.close();
    await expect(pull(gone)).rejects.toMatchObject({
      code: "download/unreachable",
      message: expect.stringContaining(`127.0.0.1:${gone.port}`),
    });
  });
});

describe("a redirect", () => {
  it("to another host brings the file, without the token", async () => {
    const cdn = await server((request, response) => serve(file, request, response));
    const hub = await server((request, response) => {
      if (request.url === "/signed") response.writeHead(302, { location: `${cdn.url}/blob?signature=1` }).end();
      else response.writeHead(307, { location: "/signed" }).end();
    });
    await pull(hub, { hub: { endpoint: hub.url, token: "hf_secret" } });
    await expectWhole();
    expect(hub.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer hf_secret", "Bearer hf_secret"]);
    expect(cdn.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(await readFile(join(models, "tiny", "manifest.json"), "utf8")).not.toContain("hf_secret");
  });

  it.each([
    ["in a circle", "/again"],
    ["to a file", "file:///etc/passwd"],
    ["to nowhere", "http://"],
  ])("%s is refused", async (_, location) => {
    const hub = await server((__, response) => response.writeHead(302, { location }).end());
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/refused" });
    await expectNothingInstalled();
  });
});

describe("a disk", () => {
  it("that is full leaves nothing installed, and says so", async () => {
    const work = join(models, ".work", "tiny");
    await mkdir(work, { recursive: true });
    await symlink("/dev/full", join(work, "download.part"));
    const hub = await server((request, response) => serve(file, request, response));
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/disk" });
    await expectNothingInstalled();
  });

  it("without the room is told before anything comes", async () => {
    const hub = await server((_, response) => {
      response.writeHead(200, { "content-length": 2 ** 60 }).write(file.subarray(0, 100));
    });
    await expect(pull(hub)).rejects.toMatchObject({ code: "download/disk" });
    expect(await part()).toBeUndefined();
  });
});

it("two pulls at once install one whole model, and one of them says why it did not", async () => {
  const hub = await server((request, response) => serve(file, request, response));
  const results = await Promise.allSettled([pull(hub), pull(hub)]);
  const codes = results.map((result) => (result.status === "rejected" ? (result.reason.code as string) : "done"));
  expect(codes.toSorted()).toEqual(["done", "model/busy"]);
  await expectWhole();
});

it.each(["..", "../x", "a/b", ".hidden", ""])("the name %j is refused before anything is asked", async (name) => {
  const hub = await server((request, response) => serve(file, request, response));
  await expect(pull(hub, { name })).rejects.toMatchObject({ code: "model/name" });
  expect(hub.seen).toEqual([]);
});
