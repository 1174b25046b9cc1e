import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EngineKey, openEngineCache } from "../../src/backbone/engine-cache.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-engines-"));
});
afterEach(() => rm(root, { recursive: true }));

const key: EngineKey = {
  modelId: "ab".repeat(32),
  graphs: ["01", "02"],
  fp16: true,
  runtime: "1.30.0",
  tensorrt: "10.3.0",
  cuda: "12.6.11",
  l4t: "36.4.0",
};

describe("the folder of built engines", () => {
  test("is the same for the same key, its user's alone, and says what it is for", async () => {
    const cache = await openEngineCache(join(root, "engines"), key);
    expect(await openEngineCache(join(root, "engines"), { ...key })).toMatchObject({
      folder: cache.folder,
      removed: 0,
    });
    expect((await stat(cache.folder)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(cache.folder, "key.json"), "utf8"))).toMatchObject({ tensorrt: "10.3.0" });
    expect(cache.unknown).toEqual([]);
  });

  test.each<[string, Partial<EngineKey>]>([
    ["model", { modelId: "cd".repeat(32) }],
    ["graph", { graphs: ["01", "03"] }],
    ["graph's place", { graphs: ["0102", ""] }],
    ["precision", { fp16: false }],
    ["ONNX Runtime", { runtime: "1.31.0" }],
    ["TensorRT", { tensorrt: "10.7.0" }],
    ["CUDA", { cuda: "unknown" }],
    ["L4T", { l4t: "36.4.3" }],
  ])("is another for another %s, and the old one goes", async (_, change) => {
    const before = await openEngineCache(root, key);
    await writeFile(join(before.folder, "x.engine"), "");
    const after = await openEngineCache(root, { ...key, ...change });
    expect(after.folder).not.toBe(before.folder);
    expect(after.removed).toBe(1);
    expect(await readdir(root)).toEqual([after.folder.slice(root.length + 1)]);
    expect(after.unknown).toEqual(change.cuda === "unknown" ? ["cuda"] : []);
  });

  test("leaves alone what is not its own", async () => {
    await mkdir(join(root, "somebody's"));
    await writeFile(join(root, "notes"), "");
    const { removed } = await openEngineCache(root, key);
    expect(removed).toBe(0);
    expect((await readdir(root)).slice(1)).toEqual(["notes", "somebody's"]);
  });

  test("counts the engines that lie in it, whichever part of it they are in", async () => {
    const cache = await openEngineCache(root, key);
    expect(await cache.engines()).toBe(0);
    await mkdir(join(cache.folder, "query"));
    for (const file of ["query/a_sm87.engine", "query/a_sm87.profile", "b.engine"])
      await writeFile(join(cache.folder, file), "");
    expect(await cache.engines()).toBe(2);
  });

  test("that cannot be made is told with a code", async () => {
    await writeFile(join(root, "file"), "");
    await expect(openEngineCache(join(root, "file"), key)).rejects.toMatchObject({ code: "engine/cache" });
  });
});
