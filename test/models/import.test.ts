import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { lockState } from "../../src/edge/state-lock.ts";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { importModel, type ImportOptions } from "../../src/models/import.ts";
import { transformersNames } from "../support/foreign-names.ts";
import { tinyModel } from "../support/tiny-model.ts";

let root: string;
let models: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "l2p-import-"));
  models = join(root, "share", "models");
});
afterEach(() => rm(root, { recursive: true }));

const model = tinyModel();
const stored = new Map([...model.weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")]));
const foreign = encodeSafetensors(transformersNames(stored, "vit."));

async function imported(
  options: Partial<ImportOptions> = {},
  file: Uint8Array = foreign,
): Promise<ReturnType<typeof importModel>> {
  const path = join(root, "weights.safetensors");
  await writeFile(path, file);
  return await importModel({ path, name: "mine", modelsFolder: models, heads: 3, ...options });
}

/** Nothing is there but what was there before. */
async function expectNothingInstalled(): Promise<void> {
  expect(await readdir(models).catch(() => [])).toEqual([]);
}

describe("model import", () => {
  it("installs a folder that --model takes by its name", async () => {
    const { folder, manifest, notes } = await imported();
    expect(folder).toBe(join(models, "mine"));
    expect(await readdir(models)).toEqual(["mine"]);
    expect((await readdir(folder)).toSorted()).toEqual(["manifest.json", "model.safetensors"]);
    const loaded = await loadModel("mine", { modelsFolder: models });
    expect(loaded.manifest).toEqual(manifest);
    expect(loaded.weights).toEqual(model.weights);
    expect(manifest.origin).toEqual({
      from: "weights.safetensors",
      sha256: createHash("sha256").update(foreign).digest("hex"),
      sizeBytes: foreign.length,
      trust: "first-use",
      converted: ["names are timm's now", "q, k and v joined"],
    });
    expect(notes.join()).toContain("assumed");
  });

  it("takes normalisation, licence and resize rule as they are said", async () => {
    const description = {
      mean: [0.1, 0.2, 0.3],
      std: [1, 2, 3],
      licence: "MIT",
      source: "me",
      resize: "fill",
    } as const;
    const { manifest, notes } = await imported({ description });
    expect(manifest).toMatchObject(description);
    expect(notes.join()).not.toContain("assumed");
  });

  it("reads transformers' files beside the weights", async () => {
    await writeFile(
      join(root, "config.json"),
      JSON.stringify({ num_attention_heads: 4, layer_norm_eps: 1e-5, hidden_act: "gelu" }),
    );
    await writeFile(
      join(root, "preprocessor_config.json"),
      JSON.stringify({ image_mean: [0.4, 0.4, 0.4], image_std: [0.2, 0.2, 0.2] }),
    );
    const { manifest, notes } = await imported({ heads: undefined });
    expect(manifest).toMatchObject({ mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2] });
    expect(manifest.architecture).toMatchObject({ heads: 4, layerNormEps: 1e-5 });
    expect(notes).toContain("read config.json and preprocessor_config.json beside it");
  });

  it("reads timm's config.json beside the weights, and passes over others' files", async () => {
    await writeFile(
      join(root, "config.json"),
      JSON.stringify({ pretrained_cfg: { mean: [0.4, 0.5, 0.6], std: [1, 1, 1] } }),
    );
    await writeFile(join(root, "preprocessor_config.json"), "[not JSON");
    expect((await imported()).manifest).toMatchObject({ mean: [0.4, 0.5, 0.6], std: [1, 1, 1] });
  });

  it("refuses an activation that is not computed here", async () => {
    await writeFile(join(root, "config.json"), JSON.stringify({ hidden_act: "quick_gelu" }));
    await expect(imported()).rejects.toMatchObject({
      code: "model/unsupported",
      message: expect.stringContaining("quick_gelu"),
    });
    await expectNothingInstalled();
  });

  it.each(["..", ".", "../x", "a/b", "/etc/x", ".work", "", "a\0b", "x".repeat(65)])(
    "refuses the name %j",
    async (name) => {
      await expect(imported({ name })).rejects.toMatchObject({ code: "model/name" });
      await expectNothingInstalled();
    },
  );

  it("leaves what is installed under the name as it is", async () => {
    await imported();
    const before = await readFile(join(models, "mine", "manifest.json"));
    await expect(imported({ imageSize: 32 })).rejects.toMatchObject({ code: "model/installed" });
    expect(await readFile(join(models, "mine", "manifest.json"))).toEqual(before);
    expect(await readdir(models)).toEqual(["mine"]);
  });

  it("waits for no other process that installs the same name, and clears what a crash left", async () => {
    const work = join(models, ".work", "mine");
    await mkdir(join(work, "staging"), { recursive: true });
    await writeFile(join(work, "staging", "model.safetensors"), "half");
    const lock = await lockState(work);
    await expect(imported()).rejects.toMatchObject({ code: "model/busy" });
    await lock.release();
    await imported();
    expect(await readdir(models)).toEqual(["mine"]);
  });

  it("of the same name twice at once installs one whole model", async () => {
    const results = await Promise.allSettled([imported(), imported(), imported()]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const codes = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code as string] : []));
    expect(codes.filter((code) => code !== "model/busy" && code !== "model/installed")).toEqual([]);
    expect((await loadModel("mine", { modelsFolder: models })).weights).toEqual(model.weights);
    expect(await readdir(models)).toEqual(["mine"]);
  });

  const damaged: readonly (readonly [string, () => Uint8Array, string])[] = [
    ["cut short", () => foreign.subarray(0, foreign.length - 5), "safetensors/cut-short"],
    ["empty", () => new Uint8Array(), "safetensors/cut-short"],
    ["a web page", () => new TextEncoder().encode("<!DOCTYPE html><html></html>"), "safetensors/header-too-large"],
    ["with a header of 10 GB", () => header(10_000_000_000n), "safetensors/header-too-large"],
    ["with a header of 2⁶⁴−1 bytes", () => header(2n ** 64n - 1n), "safetensors/header-too-large"],
    [
      "with overlapping tensors",
      () => edited((json) => json.replace(/"data_offsets":\[\d+,/, '"data_offsets":[4,')),
      "safetensors/shape",
    ],
    ["with two tensors in one place", () => moved("vit.layernorm.bias", "vit.layernorm.weight"), "safetensors/offsets"],
    ["with a tensor behind its end", () => moved("vit.layernorm.bias", 2 ** 40), "safetensors/offsets"],
    [
      "with a lie about a shape",
      () => edited((json) => json.replace('"shape":[1,1,12]', '"shape":[1,1,13]')),
      "safetensors/shape",
    ],
    ["with an unknown number type", () => edited((json) => json.replace('"F32"', '"F37"')), "safetensors/dtype"],
    ["with NaN", () => withNumber(NaN), "model/not-finite"],
    ["with infinity", () => withNumber(-Infinity), "model/not-finite"],
  ];
  it.each(damaged)("installs nothing from a file %s", async (_, file, code) => {
    await expect(imported({}, file())).rejects.toMatchObject({ code });
    await expectNothingInstalled();
  });

  it("does not read a file of many gigabytes", async () => {
    const path = join(root, "huge.safetensors");
    await writeFile(path, "");
    await truncate(path, 10 * 2 ** 30);
    await expect(importModel({ path, name: "mine", modelsFolder: models })).rejects.toMatchObject({
      code: "model/too-large",
    });
    await expect(importModel({ path: root, name: "mine", modelsFolder: models })).rejects.toMatchObject({
      code: "model/not-found",
    });
    await expectNothingInstalled();
  });

  it("says when the folder cannot be used", async () => {
    await writeFile(join(root, "share"), "a file");
    await expect(imported()).rejects.toMatchObject({ code: "model/folder" });
  });

  it("refuses a manifest that belongs to another file", async () => {
    await imported();
    await imported({ name: "other", imageSize: 32 });
    await writeFile(join(models, "mine", "manifest.json"), await readFile(join(models, "other", "manifest.json")));
    await expect(loadModel("mine", { modelsFolder: models })).rejects.toMatchObject({ code: "model/hash" });
  });
});

function header(length: bigint): Uint8Array {
  const file = foreign.slice();
  new DataView(file.buffer).setBigUint64(0, length, true);
  return file;
}

function edited(edit: (json: string) => string): Uint8Array {
  const end = 8 + Number(new DataView(foreign.buffer).getBigUint64(0, true));
  const json = edit(new TextDecoder().decode(foreign.subarray(8, end)));
  const text = new TextEncoder().encode(json);
  const file = new Uint8Array(8 + text.length + foreign.length - end);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(foreign.subarray(end), 8 + text.length);
  return file;
}

/** One tensor said to lie where another does, or at a position of its own. */
function moved(name: string, to: string | number): Uint8Array {
  return edited((json) => {
    const header = JSON.parse(json) as Record<string, { data_offsets: [number, number] }>;
    const [begin, end] = header[name]!.data_offsets;
    const at = typeof to === "number" ? to : header[to]!.data_offsets[0];
    header[name]!.data_offsets = [at, at + end - begin];
    return JSON.stringify(header);
  });
}

function withNumber(value: number): Uint8Array {
  const tensors = transformersNames(stored, "vit.");
  const norm = { data: Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? value : 0)), shape: [12] };
  return encodeSafetensors(tensors.set("vit.layernorm.bias", fromFloat32(norm, "F32")));
}
