import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backboneInfo, expectedShapes, type VitArchitecture } from "../../src/backbone/architecture.ts";
import type { ImageBatch } from "../../src/backbone/engine.ts";
import type { Manifest } from "../../src/backbone/manifest.ts";
import type { Model } from "../../src/backbone/model.ts";
import { fromFloat32, toFloat32 } from "../../src/kernel/dtype.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { encodeSafetensors } from "../../src/kernel/safetensors.ts";
import { sizeOf, type Tensor } from "../../src/kernel/tensor.ts";

/** Small enough for central differences on every number: 4 patches, 12 wide. */
export const tinyArchitecture: VitArchitecture = {
  imageSize: 16,
  patchSize: 8,
  width: 12,
  depth: 2,
  heads: 3,
  mlpWidth: 20,
  layerNormEps: 1e-6,
};

/** A ViT with seeded random weights, in memory (`weightsPath` is empty; see `writeModel`). */
export function tinyModel(overrides: Partial<VitArchitecture> = {}, seed = 1): Model {
  const architecture: VitArchitecture = { ...tinyArchitecture, ...overrides };
  const rng = createRng(seed);
  const weights = new Map<string, Tensor>();
  const hash = createHash("sha256");
  for (const [name, shape] of expectedShapes(architecture)) {
    // Loud enough that attention and GELU leave their linear parts; norms stay near 1.
    const scale = name.endsWith(".bias") ? 0.1 : name.includes("norm") ? 0.1 : 1 / Math.sqrt(shape.at(-1)!);
    const centre = name.includes("norm") && name.endsWith(".weight") ? 1 : 0;
    const data = Float32Array.from({ length: sizeOf(shape) }, () => centre + scale * rng.normal());
    weights.set(name, { data, shape });
    hash.update(name).update(data);
  }
  const manifest: Manifest = {
    v: 1,
    name: "tiny_random",
    architecture,
    sha256: hash.digest("hex"),
    mean: [0.5, 0.45, 0.4],
    std: [0.5, 0.4, 0.3],
    resize: "cover",
    kernel: "cubic",
    licence: "MIT",
    source: "random numbers",
  };
  return {
    manifest,
    architecture,
    info: backboneInfo(manifest.name, manifest.sha256, architecture),
    weights,
    precision: "fp32",
    weightsPath: "",
  };
}

/** `count` images of seeded noise that fit the model. */
export function noiseImages(model: Model, count: number, seed = 2): ImageBatch {
  const rng = createRng(seed);
  const length = count * model.info.imageSize ** 2 * 3;
  return { pixels: Uint8Array.from({ length }, () => rng.int(256)), count };
}

/** Seeded normal numbers. */
export function noiseTensor(shape: readonly number[], seed: number, scale = 1): Tensor {
  const rng = createRng(seed);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => scale * rng.normal()), shape };
}

/**
 * Writes manifest.json and model.safetensors into `folder`; with `dtype` F16 the weights are rounded.
 * Returns the model as `loadModel(folder)` would: with the file's hash and path.
 */
export async function writeModel(folder: string, model: Model, dtype: "F32" | "F16" = "F32"): Promise<Model> {
  const stored = new Map([...model.weights].map(([name, weight]) => [name, fromFloat32(weight, dtype)]));
  const file = encodeSafetensors(stored);
  const sha256 = createHash("sha256").update(file).digest("hex");
  const manifest = { ...model.manifest, sha256 };
  const weightsPath = join(folder, "model.safetensors");
  await writeFile(weightsPath, file);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  const weights = new Map([...stored].map(([name, weight]) => [name, toFloat32(weight)]));
  const precision = dtype === "F16" ? "fp16" : "fp32";
  return { ...model, manifest, weights, precision, weightsPath, info: { ...model.info, modelId: sha256 } };
}
