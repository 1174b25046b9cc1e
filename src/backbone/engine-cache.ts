import { createHash } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appError } from "../kernel/errors.ts";
import type { GpuVersions } from "./gpu-versions.ts";

/** All that a built engine depends on. */
export interface EngineKey extends GpuVersions {
  /** The model's identity: `sha256` of its weights. */
  readonly modelId: string;
  /** `sha256` of each graph as it is handed over: normalisation, shapes and this product's own version are in it. */
  readonly graphs: readonly string[];
  readonly fp16: boolean;
  readonly runtime: string;
}

/** The folder of the engines of one key. */
export interface EngineCache {
  readonly folder: string;
  /** Parts of the key that nobody tells here: an engine may then be taken for one that fits. */
  readonly unknown: readonly string[];
  /** Folders of other keys that were removed. */
  readonly removed: number;
  /** How many engines lie in it, those of its sub-folders counted. */
  engines(): Promise<number>;
}

/** What this product's own folders are named; nothing else is ever removed. */
const folderName = /^[0-9a-f]{12}-[0-9a-f]{16}$/;

/**
 * Makes `<root>/<key>` and removes the folders of other keys: engines are large, and after an update of TensorRT, CUDA
 * or the Jetson's system no old one is right. One node has one root. Only its user may write there: TensorRT runs what
 * an engine file holds.
 * @throws AppError `engine/cache`
 */
export async function openEngineCache(root: string, key: EngineKey): Promise<EngineCache> {
  const text = JSON.stringify(key, null, 2);
  const name = `${key.modelId.slice(0, 12)}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  const folder = join(root, name);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, "key.json"), `${text}\n`, { mode: 0o600 });
    const others = (await readdir(root)).filter((one) => folderName.test(one) && one !== name);
    for (const one of others) await rm(join(root, one), { recursive: true, force: true });
    return {
      folder,
      unknown: Object.entries(key).flatMap(([part, value]) => (value === "unknown" ? [part] : [])),
      removed: others.length,
      engines: async () => {
        const files = await readdir(folder, { recursive: true });
        return files.filter((file) => file.endsWith(".engine")).length;
      },
    };
  } catch (cause) {
    throw appError("engine/cache", `no engine can be kept in ${folder}`, { cause });
  }
}
