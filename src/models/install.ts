import { link, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../backbone/manifest.ts";
import { loadModel } from "../backbone/model.ts";
import { syncFolder } from "../edge/durable-file.ts";
import { type AppError, appError, isAppError } from "../kernel/errors.ts";
import type { Workplace } from "./workplace.ts";

export interface Installed {
  readonly folder: string;
  readonly manifest: Manifest;
  /** For the person: what was changed, read elsewhere or assumed. */
  readonly notes: readonly string[];
}

const weightsFile = "model.safetensors";

/**
 * Makes `staging` (with the weights in it) the model of this name: writes its manifest, reads everything back as a node
 * would, and renames. It is there whole or not at all, and outlives a power cut when this resolves.
 * @param variant In the folder of the model of this name, as the variant of its precision.
 * @param replace What is there already gives way.
 * @returns The model's folder.
 * @throws AppError `model/installed`, `model/folder`, and those of `loadModel`
 */
export async function install(
  modelsFolder: string,
  { folder: work, staging }: Workplace,
  manifest: Manifest,
  { variant, replace = false }: { readonly variant?: string | undefined; readonly replace?: boolean } = {},
): Promise<string> {
  const folder = variant === undefined ? modelsFolder : join(modelsFolder, manifest.name);
  const target = join(folder, variant ?? manifest.name);
  const aside = join(work, "replaced");
  try {
    await writeFile(join(staging, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    for (const name of [weightsFile, "manifest.json"]) await syncFile(join(staging, name));
    await syncFolder(staging);
    await loadModel(staging);
    await rm(aside, { recursive: true, force: true });
    if (replace) await moveIfThere(target, aside);
    await rename(staging, target);
    await syncFolder(folder);
    if (replace) await rm(aside, { recursive: true, force: true });
    return target;
  } catch (cause) {
    throw installFault(cause, target);
  }
}

/** Puts weights where `install` looks for them. @throws AppError `download/disk`, `model/folder` */
export async function stageWeights({ staging }: Workplace, weights: Uint8Array): Promise<void> {
  try {
    await writeFile(join(staging, weightsFile), weights);
  } catch (cause) {
    throw installFault(cause, staging);
  }
}

/** The same for a file on the same disk, which stays in its place too, or moves where the disk knows no links. */
export async function stageFile({ staging }: Workplace, path: string): Promise<void> {
  const staged = join(staging, weightsFile);
  try {
    await link(path, staged).catch(() => rename(path, staged));
  } catch (cause) {
    throw installFault(cause, staging);
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function installFault(cause: unknown, path: string): AppError {
  if (isAppError(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR") {
    return appError("model/installed", `${path} is there already`, { cause });
  }
  if (code === "ENOSPC" || code === "EDQUOT") return appError("download/disk", `no space for ${path}`, { cause });
  return appError("model/folder", `cannot write ${path}: ${message}`, { cause });
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
