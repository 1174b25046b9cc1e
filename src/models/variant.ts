import { createHash } from "node:crypto";
import { join } from "node:path";
import { backboneInfo } from "../backbone/architecture.ts";
import { isModelName, requireModelName } from "../backbone/installed.ts";
import type { Manifest } from "../backbone/manifest.ts";
import { loadModel, type Model } from "../backbone/model.ts";
import { precisionOf } from "../backbone/weights-file.ts";
import { toFloat32 } from "../kernel/dtype.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import { decodeSafetensors } from "../kernel/safetensors.ts";
import type { Installed } from "./install.ts";
import { install, stageWeights } from "./install.ts";
import { type Rounded, roundWeights, type RoundedPrecision } from "./precision.ts";
import type { OnRounded } from "./product-errors.ts";
import { inWorkplace } from "./workplace.ts";

export interface VariantOptions {
  /** As `loadModel` takes it. */
  readonly model: string;
  readonly precision: RoundedPrecision;
  /** A model of its own by this name; default: a variant in the folder of the installed model. */
  readonly name?: string | undefined;
  readonly modelsFolder: string;
  readonly onProgress?: OnRounded | undefined;
}

/**
 * Installs a model's weights rounded to another precision. A variant that is there and whole stays; one that is damaged
 * or of other weights is replaced.
 * @throws AppError `model/name`, `model/precision`, `model/busy`, and those of `loadModel`, `roundWeights` and `install`
 */
export async function makeVariant(options: VariantOptions): Promise<Installed> {
  const { model: nameOrPath, precision, name, modelsFolder, onProgress } = options;
  if (name !== undefined) requireModelName(name);
  else if (!isModelName(nameOrPath)) {
    throw appError("model/name", `${nameOrPath} is no installed model: the variant needs a name of its own`);
  }
  // Without a name it goes into that folder: a path of the same name is not meant.
  const source = name === undefined ? join(modelsFolder, nameOrPath) : nameOrPath;
  const model = await loadModel(source, { modelsFolder });
  const place = name ?? nameOrPath;
  return await inWorkplace(modelsFolder, place, async (workplace) => {
    const variant = name === undefined ? precision : undefined;
    if (variant !== undefined) {
      const there = await whole(join(modelsFolder, place, variant));
      if (there?.manifest.variantOf === model.info.modelId) {
        return {
          folder: join(modelsFolder, place, variant),
          manifest: there.manifest,
          notes: ["it is there, and whole"],
        };
      }
    }
    const rounded = await roundModel(model, precision, onProgress);
    const manifest = variantManifest({ ...model.manifest, name: place }, precision, rounded);
    await stageWeights(workplace, rounded.file);
    const folder = await install(modelsFolder, workplace, manifest, { variant, replace: variant !== undefined });
    return { folder, manifest, notes: rounded.changes };
  });
}

/** @throws AppError `model/precision` when there is nothing to round */
export async function roundModel(model: Model, precision: RoundedPrecision, onProgress?: OnRounded): Promise<Rounded> {
  if (model.precision === "int8" || model.precision === precision) {
    throw appError("model/precision", `${model.info.name} is stored in ${model.precision} already`);
  }
  return await roundWeights(model, precision, onProgress);
}

/** The weights of a .safetensors file, decoded, as a model. */
export function inMemory(manifest: Manifest, file: Uint8Array, weightsPath: string): Model {
  const { tensors } = decodeSafetensors(file);
  const { name, architecture, sha256 } = manifest;
  return {
    manifest,
    architecture,
    info: backboneInfo(name, sha256, architecture),
    weights: new Map([...tensors].map(([key, stored]) => [key, toFloat32(stored)])),
    precision: precisionOf([...tensors.values()].map(({ dtype }) => dtype)),
    weightsPath,
  };
}

/** The manifest of what `rounded` is, made from the weights of `manifest`. */
export function variantManifest(manifest: Manifest, precision: RoundedPrecision, { file, changes }: Rounded): Manifest {
  const { origin, sha256: variantOf } = manifest;
  const sha256 = createHash("sha256").update(file).digest("hex");
  const converted = [...(origin?.converted ?? []), ...changes];
  return { ...manifest, sha256, precision, variantOf, ...(origin && { origin: { ...origin, converted } }) };
}

async function whole(folder: string): Promise<Model | undefined> {
  try {
    return await loadModel(folder);
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}
