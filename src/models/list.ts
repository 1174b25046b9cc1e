import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expectedShapes, type VitArchitecture } from "../backbone/architecture.ts";
import { isModelName } from "../backbone/installed.ts";
import type { Manifest } from "../backbone/manifest.ts";
import { readManifest } from "../backbone/model.ts";
import { type AppError, isAppError } from "../kernel/errors.ts";
import { sizeOf } from "../kernel/tensor.ts";

/** One folder among the models; whether its weights are whole, only `loadModel` tells. */
export interface ListedModel {
  readonly name: string;
  readonly folder: string;
  /** Its manifest, or why it cannot be read. */
  readonly manifest: Manifest | AppError;
}

/** By name; none where the folder is not there. */
export async function installedModels(modelsFolder: string): Promise<readonly ListedModel[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isFile() && isModelName(entry.name)).map(({ name }) => name);
  return await Promise.all(
    names.toSorted().map(async (name) => {
      const folder = join(modelsFolder, name);
      return { name, folder, manifest: await readManifest(folder).catch(faultOf) };
    }),
  );
}

/** Bytes of a model's weights in fp32, without a head. */
export function weightBytes(architecture: VitArchitecture): number {
  return [...expectedShapes(architecture).values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
}

function faultOf(error: unknown): AppError {
  if (isAppError(error)) return error;
  throw error;
}
