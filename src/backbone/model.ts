import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { appError, isAppError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import { backboneInfo, inferArchitecture, type VitArchitecture } from "./architecture.ts";
import type { BackboneInfo } from "./engine.ts";
import { parseCatalogue, type Catalogue } from "./catalogue.ts";
import { findModel, userModelsFolder } from "./installed.ts";
import { parseManifest, type Manifest, type Precision } from "./manifest.ts";
import { type MappableWeights, openWeightsFile, storedPrecision } from "./weights-file.ts";

/** A backbone's weights, checked, with everything that is needed to run them. */
export interface Model {
  readonly manifest: Manifest;
  readonly architecture: VitArchitecture;
  readonly info: BackboneInfo;
  /**
   * By timm's names, as stored: linear weights [out, in]. `head.weight`, `head.bias` may be absent. A loaded model's
   * numbers are read from its file when they are asked for, and not kept (AppError `model/changed` when it changed).
   */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What they are stored as. The identity in `info` is of the file, and so of one precision. */
  readonly precision: Precision;
  /** The .safetensors file they were read from. */
  readonly weightsPath: string;
  /** Where they lie in it, when an engine may map them. */
  readonly mappable?: MappableWeights | undefined;
}

export interface LoadModelOptions {
  /** Says what a bare .safetensors file is. Default: the product's own, models/catalogue.json. */
  readonly catalogue?: Pick<Catalogue, "models">;
  /** Where names of installed models are looked up. Default: this user's. */
  readonly modelsFolder?: string;
  /** The model itself where its weights are stored so, else its variant. Default: the model itself. */
  readonly precision?: Precision | undefined;
}

// The same from src/backbone/ and from dist/backbone/.
const modelsFolder = fileURLToPath(new URL("../../models/", import.meta.url));

/** The folder of the small backbone that comes with the product. */
export const embeddedModelPath: string = join(modelsFolder, "embedded");

/** readFile's own limit. */
const maxFileBytes = 2 ** 31 - 1;

/**
 * Loads a folder with manifest.json and model.safetensors, a bare .safetensors file, or, where there is no such path,
 * the installed model of that name. A folder may hold variants of other precisions, each a model's folder itself. A bare file that is not in the catalogue gets a guessed manifest, which says so in
 * its `source`.
 * @throws AppError `model/not-found`, `model/too-large`, `model/hash`, `model/not-finite`, `model/precision`,
 * `model/variant`, and those of `parseManifest`, `openWeightsFile` and `inferArchitecture`
 */
export async function loadModel(nameOrPath: string, options: LoadModelOptions = {}): Promise<Model> {
  const path = await findModel(nameOrPath, options.modelsFolder ?? userModelsFolder());
  const { precision, catalogue } = options;
  if (precision === undefined) return await loadPath(path, catalogue);
  const own = await read(() => storedPrecision(path), path);
  if (own === precision) return await loadPath(path, catalogue);
  const variant = join(path, precision);
  const isThere = await stat(variant).then(
    () => true,
    () => false,
  );
  if (!isThere) throw appError("model/precision", `${path} is stored in ${own}, and has no ${precision} variant`);
  const model = await loadPath(variant, catalogue);
  if (model.precision === precision) return model;
  throw appError("model/precision", `${variant} is stored in ${model.precision}`);
}

async function loadPath(path: string, catalogue: LoadModelOptions["catalogue"]): Promise<Model> {
  const isFolder = (await read(() => stat(path), path)).isDirectory();
  const weightsPath = isFolder ? join(path, "model.safetensors") : path;
  await checkSize(weightsPath);
  const file = await read(() => openWeightsFile(weightsPath), weightsPath);

  const { sha256 } = file;
  const stated = isFolder ? await readManifest(path) : await catalogued(sha256, catalogue);
  if (stated !== undefined && stated.sha256 !== sha256) {
    throw appError("model/hash", `${weightsPath} has sha256 ${sha256}, its manifest says ${stated.sha256}`);
  }
  if (isFolder) await checkVariant(path, stated!);
  const stored = await file.read();
  const { weights, mappable, precision } = stored;
  if (stated?.precision !== undefined && stated.precision !== precision) {
    throw appError("model/precision", `the manifest says ${stated.precision}, the weights are ${precision}`);
  }
  await stored.checkNumbers();
  const architecture = inferArchitecture(weights, stated?.architecture);
  const manifest = stated ?? guessedManifest(weightsPath, sha256, architecture);
  checkAgreement(manifest.architecture, architecture);
  const info = backboneInfo(manifest.name, sha256, architecture);
  return { manifest, architecture, info, weights, precision, weightsPath, mappable };
}

/** The product's own models/catalogue.json. @throws AppError `model/not-found`, `manifest/invalid` */
export async function readCatalogue(): Promise<Catalogue> {
  const path = join(modelsFolder, "catalogue.json");
  return parseCatalogue(await read(() => readFile(path, "utf8"), path), path);
}

/** Of a model's folder; its weights are not looked at. @throws AppError `model/not-found`, `manifest/invalid` */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, "manifest.json");
  return parseManifest(await read(() => readFile(path, "utf8"), path), path);
}

/** A variant in its model's folder is of that model's weights, and prepares images as it does. @throws AppError `model/variant` */
export async function checkVariant(folder: string, variant: Manifest): Promise<void> {
  const { precision, variantOf } = variant;
  if (variantOf === undefined || basename(folder) !== precision) return;
  const model = await readManifest(dirname(folder)).catch(() => undefined);
  if (model === undefined) return;
  if (model.sha256 !== variantOf) {
    throw appError("model/variant", `${folder} was made from ${variantOf}, the model beside it is ${model.sha256}`);
  }
  const other = (["mean", "std", "resize", "kernel"] as const).filter(
    (key) => !isDeepStrictEqual(variant[key], model[key]),
  );
  if (other.length === 0) return;
  throw appError("model/variant", `${folder} has another ${other.join(", ")} than the model beside it`);
}

async function catalogued(sha256: string, catalogue?: Pick<Catalogue, "models">): Promise<Manifest | undefined> {
  const { models } = catalogue ?? (await readCatalogue());
  return models.find((model) => model.sha256 === sha256);
}

function guessedManifest(path: string, sha256: string, architecture: VitArchitecture): Manifest {
  return {
    v: 1,
    name:
      basename(path, ".safetensors")
        .replaceAll(/[^A-Za-z0-9._-]/g, "_")
        .slice(0, 64) || "model",
    architecture,
    sha256,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    resize: "cover",
    kernel: "cubic",
    licence: "unknown",
    source: "guessed: not in the catalogue; architecture from the shapes, normalisation and resize rule assumed",
  };
}

/** The bytes of a .safetensors file. @throws AppError `model/not-found`, `model/too-large` */
export async function readWeightsFile(path: string): Promise<Uint8Array> {
  await checkSize(path);
  return await read(() => readFile(path), path);
}

async function checkSize(path: string): Promise<void> {
  const { size } = await read(() => stat(path), path);
  if (size > maxFileBytes) throw appError("model/too-large", `${path} has ${size} bytes`);
}

function checkAgreement(stated: VitArchitecture, found: VitArchitecture): void {
  for (const key of Object.keys(found) as (keyof VitArchitecture)[]) {
    if (stated[key] !== found[key]) {
      throw appError("model/architecture", `the manifest says ${key} ${stated[key]}, the weights ${found[key]}`);
    }
  }
}

async function read<T>(work: () => Promise<T>, path: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    // What the file holds is told by who read it.
    if (isAppError(cause)) throw cause;
    throw appError("model/not-found", `cannot read ${path}`, { cause });
  }
}
