import { copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { embeddedModelPath, loadModel } from "../../src/backbone/model.ts";
import { openWeightsFile } from "../../src/backbone/weights-file.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { sizeOf } from "../../src/kernel/tensor.ts";
import { needsSharedData, sharedData, sharedPath } from "../support/shared-data.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-model-"));
});
afterEach(() => rm(folder, { recursive: true }));

const noModels = { models: [] } as const;

test.each(["F32", "F16"] as const)("a folder of %s weights loads as it was written", async (dtype) => {
  const written = await writeModel(folder, tinyModel(), dtype);
  const loaded = await loadModel(folder);
  expect({ ...loaded, mappable: undefined }).toEqual(written);
  expect(loaded.precision).toBe(dtype === "F16" ? "fp16" : "fp32");
  const lie = [...loaded.mappable!.tensors.values()].map(({ type }) => type);
  expect(new Set(lie)).toEqual(new Set([dtype === "F16" ? "float16" : "float32"]));
  expect(loaded.info.modelId).toBe(loaded.manifest.sha256);
});

test("a bare file that the catalogue knows gets its manifest from there", async () => {
  const { manifest, weightsPath } = await writeModel(folder, tinyModel());
  const loaded = await loadModel(weightsPath, { catalogue: { models: [manifest] } });
  expect(loaded.manifest).toEqual(manifest);
});

test("a bare file that nobody knows gets a manifest that says it is guessed", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel({ width: 64, heads: 1 }));
  const renamed = join(folder, "my model.safetensors");
  await copyFile(weightsPath, renamed);
  const { manifest, info, architecture } = await loadModel(renamed, { catalogue: noModels });
  expect(manifest.source).toContain("guessed");
  expect(manifest).toMatchObject({ name: "my_model", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], licence: "unknown" });
  expect(manifest.architecture).toEqual(architecture);
  expect(info).toEqual({ name: "my_model", modelId: manifest.sha256, width: 64, queryWidth: 128, imageSize: 16 });
});

test("weights that are not those of the manifest are refused", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel());
  const file = await readFile(weightsPath);
  file[file.length - 1]! ^= 1;
  await writeFile(weightsPath, file);
  await expect(loadModel(folder)).rejects.toMatchObject({ code: "model/hash" });
});

test("a manifest that disagrees with the shapes is refused, saying where", async () => {
  const { manifest } = await writeModel(folder, tinyModel());
  const wrong = { ...manifest, architecture: { ...manifest.architecture, depth: 1_000_000_000 } };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(wrong));
  await expect(loadModel(folder)).rejects.toMatchObject({
    code: "model/architecture",
    message: "the manifest says depth 1000000000, the weights 2",
  });
});

test.each([NaN, Infinity, -Infinity])("a weight of %s is refused, naming the tensor", async (value) => {
  const model = tinyModel();
  model.weights.get("blocks.1.norm1.bias")!.data[3] = value;
  await writeModel(folder, model);
  await expect(loadModel(folder)).rejects.toMatchObject({
    code: "model/not-finite",
    message: expect.stringContaining("blocks.1.norm1.bias"),
  });
});

test("what is not there, or cut short, is refused with a code", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel());
  await expect(loadModel(join(folder, "nothing"))).rejects.toMatchObject({ code: "model/not-found" });
  const file = await readFile(weightsPath);
  const short = join(folder, "short.safetensors");
  await writeFile(short, file.subarray(0, file.length - 10));
  await expect(loadModel(short, { catalogue: noModels })).rejects.toMatchObject({ code: "safetensors/cut-short" });
  await writeFile(short, "hello");
  for (const precision of [undefined, "int8"] as const) {
    const loading = loadModel(short, { catalogue: noModels, precision });
    await expect(loading).rejects.toMatchObject({ code: "safetensors/cut-short" });
  }
  await rm(weightsPath);
  await expect(loadModel(folder)).rejects.toMatchObject({ code: "model/not-found" });
});

test("a file that is replaced after it was hashed is not taken for the one that was", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel());
  const opened = await openWeightsFile(weightsPath);
  await copyFile(weightsPath, join(folder, "new"));
  await rename(join(folder, "new"), weightsPath);
  await expect(opened.read()).rejects.toMatchObject({ code: "model/changed" });
});

test("integers are no weights of a ViT", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel());
  const { tensors } = decodeSafetensors(await readFile(weightsPath));
  const norm = tensors.get("norm.bias")!;
  const integers = new Map(tensors).set("norm.bias", { ...norm, dtype: "I32" });
  await writeFile(weightsPath, encodeSafetensors(integers));
  await expect(loadModel(weightsPath, { catalogue: noModels })).rejects.toMatchObject({
    code: "safetensors/dtype",
    message: expect.stringContaining('"norm.bias"'),
  });
});

test("a file of many gigabytes is refused before it is read", async () => {
  const huge = join(folder, "huge.safetensors");
  await writeFile(huge, "");
  await truncate(huge, 10 * 2 ** 30);
  await expect(loadModel(huge, { catalogue: noModels })).rejects.toMatchObject({ code: "model/too-large" });
});

test("the embedded model's folder lies beside the sources", () => {
  expect(isAbsolute(embeddedModelPath)).toBe(true);
  expect(embeddedModelPath).toMatch(/models.embedded$/);
});

test.skipIf(!sharedData)(`ViT-Tiny/16 loads by its hash (${needsSharedData})`, async () => {
  const { manifest, architecture, weights } = await loadModel(
    sharedPath("models", "vit_tiny_patch16_224", "model.safetensors"),
  );
  expect(manifest.name).toBe("vit_tiny_patch16_224");
  expect(architecture).toMatchObject({ imageSize: 224, patchSize: 16, width: 192, depth: 12, heads: 3, mlpWidth: 768 });
  expect(weights.size).toBe(152);
  expect([...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(5_717_416);
});

test("a file that changed after it was loaded is not read as if it were the same", async () => {
  const { weightsPath } = await writeModel(folder, tinyModel());
  const { weights, mappable } = await loadModel(folder);
  mappable!.check();
  await truncate(weightsPath, 1000);
  const changed = expect.objectContaining({ code: "model/changed" });
  expect(() => mappable!.check()).toThrow(changed);
  expect(() => weights.get("norm.weight")!.data).toThrow(changed);
  await rm(weightsPath);
  expect(() => mappable!.check()).toThrow(changed);
});
