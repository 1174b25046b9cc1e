import { createHash } from "node:crypto";
import { basename } from "node:path";
import { requireModelName } from "../backbone/installed.ts";
import type { Description, Manifest } from "../backbone/manifest.ts";
import { readWeightsFile } from "../backbone/model.ts";
import { readBeside } from "./beside.ts";
import { convertWeights } from "./convert.ts";
import { install, stageWeights, type Installed } from "./install.ts";
import type { RoundedPrecision } from "./precision.ts";
import type { OnRounded } from "./product-errors.ts";
import { inMemory, roundModel, variantManifest } from "./variant.ts";
import { inWorkplace } from "./workplace.ts";

export interface ImportOptions {
  /** A .safetensors file. */
  readonly path: string;
  /** What it is installed as. */
  readonly name: string;
  readonly modelsFolder: string;
  /** Pixels a side; default: what it was trained for. */
  readonly imageSize?: number | undefined;
  readonly heads?: number | undefined;
  /** What the weights are rounded to; default: as they are. */
  readonly precision?: RoundedPrecision | undefined;
  readonly onProgress?: OnRounded | undefined;
  /** Of what is not said, files beside the weights are asked, and then it is assumed. */
  readonly description?: Partial<Omit<Description, "architecture">>;
}

/** What AugReg's ViTs have; others have ImageNet's. */
const half = [0.5, 0.5, 0.5] as const;

/**
 * Installs the weights of a plain ViT from a file.
 * @throws AppError `model/name`, `model/busy`, and those of `readWeightsFile`, `convertWeights`, `roundModel`
 * and `install`
 */
export async function importModel(options: ImportOptions): Promise<Installed> {
  const { path, name, modelsFolder, imageSize, description = {} } = options;
  requireModelName(name);
  const file = await readWeightsFile(path);
  const beside = await readBeside(path);
  const converted = convertWeights(file, {
    imageSize,
    ...defined("heads", options.heads ?? beside.heads),
    ...defined("layerNormEps", beside.layerNormEps),
  });
  const mean = description.mean ?? beside.mean ?? half;
  const std = description.std ?? beside.std ?? half;
  const isAssumed = (description.mean ?? beside.mean) === undefined || (description.std ?? beside.std) === undefined;
  const whole: Manifest = {
    v: 1,
    name,
    architecture: converted.architecture,
    sha256: sha256(converted.file),
    mean,
    std,
    resize: description.resize ?? "cover",
    kernel: description.kernel ?? "cubic",
    licence: description.licence ?? "unknown",
    source: description.source ?? `imported from ${basename(path)}${isAssumed ? "; normalisation assumed" : ""}`,
    origin: {
      from: basename(path),
      sha256: sha256(file),
      sizeBytes: file.length,
      trust: "first-use",
      ...(converted.changes.length > 0 && { converted: converted.changes }),
    },
  };
  const { precision, onProgress } = options;
  const rounded = precision && (await roundModel(inMemory(whole, converted.file, path), precision, onProgress));
  const manifest = rounded ? variantManifest(whole, precision, rounded) : whole;
  const folder = await inWorkplace(modelsFolder, name, async (workplace) => {
    await stageWeights(workplace, rounded?.file ?? converted.file);
    return await install(modelsFolder, workplace, manifest);
  });
  const notes = [
    ...converted.changes,
    ...(rounded?.changes ?? []),
    ...(beside.from.length > 0 ? [`read ${beside.from.join(" and ")} beside it`] : []),
    ...(isAssumed
      ? ["mean and std were assumed to be 0.5: where the model's are others, it loses accuracy quietly"]
      : []),
  ];
  return { folder, manifest, notes };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: Value });
}
