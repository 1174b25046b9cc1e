import { mkdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { requireModelName } from "../backbone/installed.ts";
import { lockState, type StateLock } from "../edge/state-lock.ts";
import { appError, isAppError } from "../kernel/errors.ts";

/** What one model is made of before it is there: a folder of this process alone. */
export interface Workplace {
  /** On the same disk as the models, so that a rename installs. */
  readonly folder: string;
  /** An empty folder inside, for what is to be installed. */
  readonly staging: string;
}

/**
 * Runs `work` while no other process pulls or imports the model of this name. What `work` leaves in the folder beside
 * `staging` (a part of a download) is there the next time.
 * @throws AppError `model/name`, `model/busy`, `model/folder`
 */
export async function inWorkplace<T>(
  modelsFolder: string,
  name: string,
  work: (workplace: Workplace) => Promise<T>,
): Promise<T> {
  requireModelName(name);
  // No model's name begins with a dot.
  const folder = join(modelsFolder, ".work", name);
  const staging = join(folder, "staging");
  const lock = await lockFor(folder, name);
  try {
    // A crash may have left it.
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging);
    return await work({ folder, staging });
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => {});
    await lock.release();
    // Stays where something waits in it.
    await rmdir(folder).catch(() => {});
    await rmdir(join(modelsFolder, ".work")).catch(() => {});
  }
}

async function lockFor(folder: string, name: string, tries = 3): Promise<StateLock> {
  try {
    return await lockState(folder);
  } catch (cause) {
    if (isAppError(cause, "state/locked")) {
      const [, owner = ""] = /process (\d+)/.exec(cause.message) ?? [];
      throw appError("model/busy", `process ${owner} is installing ${name}`, { cause });
    }
    // Who just finished may have removed the folder between its making and the lock in it.
    const { code } = ((cause as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === "ENOENT" && tries > 1) return await lockFor(folder, name, tries - 1);
    throw appError("model/folder", `cannot use ${folder}`, { cause });
  }
}
