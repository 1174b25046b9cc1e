import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { appError } from "../kernel/errors.ts";
import { precisions } from "./manifest.ts";

/** May name an installed model: a folder of its own, never a way to another one. */
export function isModelName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/** @throws AppError `model/name` */
export function requireModelName(name: string): void {
  if (!isModelName(name)) throw appError("model/name", `${JSON.stringify(name)} is no name for a model`);
}

/**
 * Where this user's models are installed: `$XDG_DATA_HOME/l2p-edge/models`, by default under ~/.local/share. A relative
 * path there counts as unset (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
export function userModelsFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const data = env["XDG_DATA_HOME"];
  const base = data !== undefined && isAbsolute(data) ? data : join(env["HOME"] || homedir(), ".local", "share");
  return join(base, "l2p-edge", "models");
}

/**
 * The path that a person means by `--model`: a path where there is one, else the installed model of that name, or its
 * variant: `vit-tiny/int8`.
 * @throws AppError `model/not-found`
 */
export async function findModel(nameOrPath: string, modelsFolder: string): Promise<string> {
  if (await exists(nameOrPath)) return nameOrPath;
  const [name = "", variant = "", ...more] = nameOrPath.split("/");
  const isVariant = ["", ...precisions].includes(variant);
  if (!isModelName(name) || !isVariant || more.length > 0) {
    throw appError("model/not-found", `there is no ${nameOrPath}`);
  }
  const installed = join(modelsFolder, name, variant);
  if (await exists(installed)) return installed;
  throw appError("model/not-found", `there is no file ${nameOrPath}, and no model of that name in ${modelsFolder}`);
}

/** Whatever else is in the way of reading it is told by who reads it. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== "ENOENT" && code !== "ENOTDIR" && code !== "ERR_INVALID_ARG_VALUE";
  }
}
