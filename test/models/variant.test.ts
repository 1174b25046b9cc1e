import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadModel, type Model } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { createTfjsEngine } from "../../src/backbone/tfjs-engine.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { fromFloat32 } from "../../src/kernel/dtype.ts";
import { dot, row, type Tensor } from "../../src/kernel/tensor.ts";
import { importModel } from "../../src/models/import.ts";
import { roundWeights } from "../../src/models/precision.ts";
import { makeVariant } from "../../src/models/variant.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, noiseTensor, tinyModel, writeModel } from "../support/tiny-model.ts";

let models: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), "l2p-variant-"));
  await mkdir(join(models, "tiny"));
  const written = await writeModel(join(models, "tiny"), tinyModel());
  base = written;
});
afterEach(() => rm(models, { recursive: true }));
let base: Model;

const head = { kind: "linear" } as const;
const make = (precision: "fp16" | "int8", name?: string): ReturnType<typeof makeVariant> =>
  makeVariant({ model: "tiny", precision, modelsFolder: models, name });

/** Cosine of each row with the same row of the other; the least. */
function leastCosine(a: Tensor, b: Tensor): number {
  const cosines = Array.from({ length: a.shape[0]! }, (_, i) => {
    const [x, y] = [row(a, i), row(b, i)];
    return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  });
  return Math.min(...cosines);
}

describe.each([
  { precision: "fp16", least: 0.99999 },
  { precision: "int8", least: 0.998 },
] as const)("the $precision variant of a tiny random ViT", ({ precision, least }) => {
  it("lies in its model's folder, and is found by name, by path and by the wanted precision", async () => {
    const { folder, manifest, notes } = await make(precision);
    expect(folder).toBe(join(models, "tiny", precision));
    expect(manifest).toMatchObject({ name: "tiny", precision, variantOf: base.info.modelId });
    expect(notes.join()).toContain(precision);
    const options = { modelsFolder: models };
    const found = [
      await loadModel(folder),
      await loadModel(`tiny/${precision}`, options),
      await loadModel("tiny", { ...options, precision }),
    ];
    for (const model of found) {
      expect(model.precision).toBe(precision);
      expect(model.manifest).toEqual(manifest);
      expect([...model.weights.keys()].toSorted()).toEqual([...base.weights.keys()].toSorted());
    }
    expect((await loadModel("tiny", { ...options, precision: "fp32" })).info).toEqual(base.info);
    expect((await loadModel("tiny", options)).info).toEqual(base.info);
    expect((await make(precision)).notes).toEqual(["it is there, and whole"]);
    expect((await readdir(models)).toSorted()).toEqual(["tiny"]);
  });

  it("has the features of the original, near enough, on both engines and in the training step", async () => {
    await make(precision);
    const variant = await loadModel(join(models, "tiny", precision));
    const engines = [
      await createOnnxEngine({ model: base, head, provider: "cpu", threads: 1 }),
      await createOnnxEngine({ model: variant, head, provider: "cpu", threads: 1 }),
      await createTfjsEngine({ model: variant, head, backend: "cpu" }),
    ] as const;
    const images = noiseImages(base, 3);
    const prompts = noiseTensor([3, 2, base.info.width], 3);
    const queries = await Promise.all(engines.map((engine) => engine.query(images)));
    const prompted = await Promise.all(engines.map((engine) => engine.prompted(images, prompts)));
    const steps = await Promise.all(engines.map((engine) => engine.step(noiseStep(base, { batch: 2 }))));
    for (const i of [1, 2]) {
      expect(leastCosine(queries[0]!, queries[i]!)).toBeGreaterThan(least);
      expect(leastCosine(prompted[0]!, prompted[i]!)).toBeGreaterThan(least);
      expect(leastCosine(steps[0]!.features, steps[i]!.features)).toBeGreaterThan(least);
      const gradients = [steps[0]!, steps[i]!].map(({ gradients: { prompts: d } }) => ({
        ...d,
        shape: [1, d.data.length],
      }));
      expect(leastCosine(gradients[0]!, gradients[1]!)).toBeGreaterThan(0.99);
    }
    // One by one or together: the same, though int8 gives all that it multiplies at once one scale.
    const alone = await engines[1].query({ pixels: images.pixels.slice(0, images.pixels.length / 3), count: 1 });
    expect(leastCosine(alone, { ...queries[1]!, shape: [1, alone.data.length] })).toBeGreaterThan(0.999999);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it("is another model to whoever saved something of the original", async () => {
    const { manifest } = await make(precision);
    const variant = await loadModel(join(models, "tiny", precision));
    expect(variant.info.modelId).toBe(manifest.sha256);
    expect(variant.info.modelId).not.toBe(base.info.modelId);
  });

  it("may be a model of its own, and is what import installs when it is asked for", async () => {
    const { folder } = await make(precision, "other");
    expect(folder).toBe(join(models, "other"));
    expect((await loadModel("other", { modelsFolder: models, precision })).precision).toBe(precision);
    const path = base.weightsPath;
    const imported = await importModel({ path, name: "mine", modelsFolder: models, heads: 3, precision });
    expect(imported.manifest).toMatchObject({ precision, variantOf: base.info.modelId });
    expect((await loadModel("mine", { modelsFolder: models })).precision).toBe(precision);
  });

  it("beside another model is refused, and made anew by convert", async () => {
    const { folder } = await make(precision);
    await mkdir(join(models, "tiny2"));
    await writeModel(join(models, "tiny2"), tinyModel({}, 2));
    await cp(folder, join(models, "tiny2", precision), { recursive: true });
    const loading = loadModel("tiny2", { modelsFolder: models, precision });
    await expect(loading).rejects.toMatchObject({ code: "model/variant" });
    await expect(loadModel(join(models, "tiny2", precision))).rejects.toMatchObject({ code: "model/variant" });
    await makeVariant({ model: "tiny2", precision, modelsFolder: models });
    expect((await loadModel("tiny2", { modelsFolder: models, precision })).precision).toBe(precision);
  });

  it("that prepares images otherwise than the model is refused, and made anew by convert", async () => {
    const { folder } = await make(precision);
    const path = join(models, "tiny", "manifest.json");
    const corrected = { ...(JSON.parse(await readFile(path, "utf8")) as object), mean: [0.1, 0.2, 0.3] };
    await writeFile(path, JSON.stringify(corrected));
    await expect(loadModel("tiny", { modelsFolder: models, precision })).rejects.toMatchObject({
      code: "model/variant",
      message: expect.stringContaining("another mean than"),
    });
    expect((await make(precision)).folder).toBe(folder);
    expect((await loadModel("tiny", { modelsFolder: models, precision })).manifest.mean).toEqual([0.1, 0.2, 0.3]);
  });

  it("that is damaged is refused, and made anew by convert", async () => {
    const { folder } = await make(precision);
    const file = join(folder, "model.safetensors");
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(loadModel("tiny", { modelsFolder: models, precision })).rejects.toMatchObject({ code: "model/hash" });
    await make(precision);
    expect((await loadModel("tiny", { modelsFolder: models, precision })).precision).toBe(precision);
  });
});

describe("a precision", () => {
  it("that is not there is told with what to do", async () => {
    const loading = loadModel("tiny", { modelsFolder: models, precision: "int8" });
    await expect(loading).rejects.toMatchObject({ code: "model/precision", message: expect.stringContaining("fp32") });
    await expect(loadModel(base.weightsPath, { precision: "fp16" })).rejects.toMatchObject({ code: "model/precision" });
  });

  it("that is there already is not made from what was rounded", async () => {
    await make("int8", "rounded");
    const again = makeVariant({ model: "rounded", precision: "fp16", modelsFolder: models });
    await expect(again).rejects.toMatchObject({ code: "model/precision" });
    const bare = makeVariant({ model: base.weightsPath, precision: "fp16", modelsFolder: models });
    await expect(bare).rejects.toMatchObject({ code: "model/name" });
  });

  it("of the manifest must be that of the weights", async () => {
    const { folder, manifest } = await make("int8");
    await writeFile(join(folder, "manifest.json"), JSON.stringify({ ...manifest, precision: "fp16" }));
    await expect(loadModel(folder)).rejects.toMatchObject({ code: "model/precision" });
    await writeFile(join(folder, "manifest.json"), JSON.stringify({ ...manifest, precision: "int4" }));
    await expect(loadModel(folder)).rejects.toMatchObject({ code: "manifest/invalid" });
  });

  it("half written is not there: a name is given only to what is whole", async () => {
    await rename(join(models, "tiny", "model.safetensors"), join(models, "tiny", "gone"));
    await expect(make("int8")).rejects.toMatchObject({ code: "model/not-found" });
    await rename(join(models, "tiny", "gone"), join(models, "tiny", "model.safetensors"));
    // As a process leaves it that is killed while it writes.
    const staging = join(models, ".work", "tiny", "staging");
    await mkdir(staging, { recursive: true });
    await writeFile(join(staging, "model.safetensors"), "half");
    await expect(loadModel("tiny/int8", { modelsFolder: models })).rejects.toMatchObject({ code: "model/not-found" });
    await make("int8");
    expect((await readdir(join(models, "tiny"))).toSorted()).toEqual(["int8", "manifest.json", "model.safetensors"]);
  });
});

describe("rounding", () => {
  it("refuses numbers beyond fp16", async () => {
    const model = tinyModel();
    model.weights.get("norm.bias")!.data[0] = 70_000;
    await expect(roundWeights(model, "fp16")).rejects.toMatchObject({ code: "model/not-finite" });
  });

  it("leaves a product in float32 that int8 would spoil: one input that outshines all others", async () => {
    const model = tinyModel({ width: 24 });
    // GELU passes it on as it is: one of the hidden numbers is ten thousand, at every token.
    model.weights.get("blocks.1.mlp.fc1.bias")!.data[3] = 10_000;
    model.weights.get("blocks.1.mlp.fc2.weight")!.data.forEach((_, i, all) => {
      if (i % 20 === 3) all[i] = 1e-6;
    });
    const { file, changes } = await roundWeights(model, "int8");
    expect(changes).toEqual(["7 of 8 products rounded to int8", expect.stringContaining("blocks.1.mlp.fc2")]);
    expect(Buffer.from(file).includes('"blocks.1.mlp.fc2.weight":{"dtype":"F32"')).toBe(true);
  });

  it("of a file whose int8 lacks its scale, or whose parts do not fit, is told with a code", async () => {
    const stored = new Map([...base.weights].map(([name, weight]) => [name, fromFloat32(weight, "F32")] as const));
    const values = { dtype: "I8", shape: [12, 12], bytes: new Uint8Array(144) } as const;
    const file = join(models, "bad.safetensors");
    await writeFile(file, encodeSafetensors(new Map([...stored, ["blocks.0.attn.proj.weight", values]])));
    await expect(loadModel(file)).rejects.toMatchObject({ code: "safetensors/dtype" });
    const scale = fromFloat32({ data: new Float32Array(3), shape: [3] }, "F32");
    const scaled = new Map([...stored, ["a.weight", values], ["a.weight.scale", scale]] as const);
    await writeFile(file, encodeSafetensors(scaled));
    await expect(loadModel(file)).rejects.toMatchObject({ code: "model/tensor-shape" });
  });
});
