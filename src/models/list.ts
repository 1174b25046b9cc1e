import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expectedShapes, type VitArchitecture } from "../backbone/architecture.ts";
import { isModelName } from "../backbone/installed.ts";
import { type Manifest, type Precision, precisions } from "../backbone/manifest.ts";
import { checkVariant, readManifest } from "../backbone/model.ts";
import { storedPrecision } from "../backbone/weights-file.ts";
import { type AppError, appError, isAppError } from "../kernel/errors.ts";
import { sizeOf } from "../kernel/tensor.ts";

/** Weights in a folder; whether every number is right, only `loadModel` tells. */
export interface ListedWeights {
  readonly folder: string;
  readonly manifest: Manifest;
  /** What they are stored as, and the file's size. */
  readonly precision: Precision;
  readonly sizeBytes: number;
}

/** The same of a folder that cannot be used, with the reason. */
export interface UnusableWeights {
  readonly folder: string;
  readonly fault: AppError;
}

/** One folder among the models. */
export interface ListedModel {
  readonly name: string;
  readonly own: ListedWeights | UnusableWeights;
  /** In its folder, by the precision that `model.precision` and `--model NAME/PRECISION` ask for. */
  readonly variants: readonly (readonly [Precision, ListedWeights | UnusableWeights])[];
}

/** By name; none where the folder is not there. */
export async function installedModels(modelsFolder: string): Promise<readonly ListedModel[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isFile() && isModelName(entry.name)).map(({ name }) => name);
  return await Promise.all(
    names.toSorted().map(async (name) => {
      const folder = join(modelsFolder, name);
      return { name, own: await weightsIn(folder), variants: await variantsIn(folder) };
    }),
  );
}

async function variantsIn(folder: string): Promise<ListedModel["variants"]> {
  const there = await readdir(folder).catch(() => [] as string[]);
  const wanted = precisions.filter((precision) => there.includes(precision));
  return await Promise.all(
    wanted.map(async (precision) => [precision, await weightsIn(join(folder, precision))] as const),
  );
}

/** What a model's or a variant's folder holds, by the headers of its two files. */
export async function weightsIn(folder: string): Promise<ListedWeights | UnusableWeights> {
  try {
    const manifest = await readManifest(folder);
    await checkVariant(folder, manifest);
    const stored = await storedIn(join(folder, "model.safetensors"));
    if (manifest.precision !== undefined && manifest.precision !== stored.precision) {
      throw appError("model/precision", `the manifest says ${manifest.precision}, the weights are ${stored.precision}`);
    }
    return { folder, manifest, ...stored };
  } catch (error) {
    if (isAppError(error)) return { folder, fault: error };
    throw error;
  }
}

async function storedIn(path: string): Promise<Pick<ListedWeights, "precision" | "sizeBytes">> {
  try {
    const { size } = await stat(path);
    return { precision: await storedPrecision(path), sizeBytes: size };
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    throw appError("model/not-found", `cannot read ${path}`, { cause });
  }
}

/** Bytes of a model's weights in fp32, without a head. */
export function weightBytes(architecture: VitArchitecture): number {
  return [...expectedShapes(architecture).values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
}
