import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { appError, isAppError } from "../kernel/errors.ts";
import { decodeCheckpoint, type Checkpoint } from "../message/checkpoint.ts";
import type { Log } from "../stream/parts.ts";
import { checkpointName, parseCheckpointName, type CheckpointName } from "./checkpoint-name.ts";
import { leftOverOf, syncFolder, writeDurably } from "./durable-file.ts";
import type { SnapshotStore, StoredEntry } from "./store.ts";

export interface FileStoreOptions {
  /** Is created where it is absent. One process at a time. */
  readonly folder: string;
  /** How many checkpoints stay, ≥ 1, read at each use; and, beside them, how many damaged ones. */
  readonly keep: number;
  readonly log: Log;
}

/**
 * Checkpoints as files of one folder, named in the order in which they were saved.
 * @throws AppError `store/io`
 */
export async function fileStore(options: FileStoreOptions): Promise<SnapshotStore> {
  const { folder, log } = options;
  /** What is known of a file, so that a list reads each only once. */
  const known = new Map<string, StoredEntry>();

  /** Newest first. */
  async function files(): Promise<readonly CheckpointName[]> {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => parseCheckpointName(name));
    return names.filter((name) => name !== null).toSorted((a, b) => b.sequence - a.sequence);
  }

  const good = async (): Promise<readonly CheckpointName[]> => (await files()).filter(({ corrupt }) => !corrupt);

  async function read(name: string): Promise<Checkpoint> {
    const bytes = await readFile(join(folder, name));
    const checkpoint = decodeCheckpoint(bytes);
    known.set(name, { ...checkpoint.about, name, sizeBytes: bytes.length });
    return checkpoint;
  }

  /** Undefined, loudly, for one that cannot be used. */
  async function readIfGood(name: string): Promise<Checkpoint | undefined> {
    try {
      return await read(name);
    } catch (error) {
      const damaged = isAppError(error, "snapshot/damaged") || isAppError(error, "snapshot/format");
      // A newer version's file is whole: a newer program may want it back. A bad sector leaves nothing to keep.
      const unreadable = isAppError(error, "snapshot/version") || hasCode(error, "EIO") || hasCode(error, "ENOENT");
      if (!damaged && !unreadable) throw error;
      log("error", `checkpoint ${name} cannot be used; the one before it is`, error);
      if (damaged) await setAside(name);
      return undefined;
    }
  }

  async function setAside(name: string): Promise<void> {
    known.delete(name);
    try {
      await rename(join(folder, name), join(folder, `${name}.corrupt`));
      await syncFolder(folder);
    } catch (error) {
      log("warn", `${name} could not be set aside`, error);
    }
  }

  async function prune(): Promise<void> {
    const all = await files();
    const old = [false, true].flatMap((corrupt) => all.filter((file) => file.corrupt === corrupt).slice(options.keep));
    for (const { name } of old) await remove(name);
  }

  async function remove(name: string): Promise<void> {
    known.delete(name);
    await rm(join(folder, name), { force: true });
  }

  let sequence = await attempt(async () => {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      // Other parts may keep files of their own here.
      if (parseCheckpointName(leftOverOf(name) ?? "") === null) continue;
      await rm(join(folder, name));
      log("warn", `removed ${name}: a crash ended its writing`);
    }
    return 1 + Math.max(0, ...(await files()).map(({ sequence }) => sequence));
  });

  return {
    save: (bytes, about) =>
      attempt(async () => {
        const name = checkpointName(sequence++, about.poolVersion, about.createdAt);
        const last = about.reason === "journal" ? known.get((await good())[0]?.name ?? "") : undefined;
        await writeDurably(folder, name, bytes);
        known.set(name, { ...about, name, sizeBytes: bytes.length });
        // What a full journal asks for while nothing is learned is the same again: it must not push out what differs.
        const isSame = last?.reason === "journal" && last.poolVersion === about.poolVersion;
        if (isSame) await remove(last.name).catch((error: unknown) => log("warn", `${last.name} stays`, error));
        // The new one is safe: that an old one stays is no reason to fail.
        await prune().catch((error: unknown) => log("warn", "old checkpoints could not be removed", error));
        return name;
      }),
    latest: () =>
      attempt(async () => {
        for (const { name } of await good()) {
          const checkpoint = await readIfGood(name);
          if (checkpoint !== undefined) return { name, checkpoint };
        }
        return null;
      }),
    read: (name) =>
      attempt(async () => {
        if (!(await good()).some((file) => file.name === name)) {
          throw appError("store/not-found", `no checkpoint ${JSON.stringify(name.slice(0, 80))}`);
        }
        return read(name);
      }),
    list: () =>
      attempt(async () => {
        const names = (await good()).map(({ name }) => name);
        for (const name of names) if (!known.has(name)) await readIfGood(name);
        return names.map((name) => known.get(name)).filter((entry) => entry !== undefined);
      }),
  };

  /** Errors of the file system as AppErrors. */
  async function attempt<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (cause) {
      if (isAppError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw appError("store/io", `checkpoints in ${folder}: ${why}`, { cause });
    }
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
