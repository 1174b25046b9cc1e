import { open, readFile, rm, stat, statfs, writeFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { appError } from "../kernel/errors.ts";

/** What has come of a download, and what says that the rest still belongs to it. */
export interface PartFile {
  readonly path: string;
  size(): Promise<number>;
  /** An ETag or a date for If-Range; undefined where the part cannot be gone on with. */
  validator(url: string): Promise<string | undefined>;
  /** Empties the part. */
  begin(url: string, validator: string | undefined): Promise<void>;
  /** A handle that writes behind what is there. */
  append(): Promise<FileHandle>;
  discard(): Promise<void>;
}

const stateSchema = z.strictObject({ url: z.string(), validator: z.string().optional() });

/** Failures are coded `download/disk` where the disk is full, else `model/folder`. */
export function partFile(path: string): PartFile {
  const statePath = `${path}.json`;
  const guarded = <T>(work: () => Promise<T>): Promise<T> => work().catch((error: unknown) => raiseDisk(error, path));

  async function size(): Promise<number> {
    return await stat(path).then(
      (found) => found.size,
      () => 0,
    );
  }

  return {
    path,
    size,
    validator: async (url) => {
      try {
        const state = stateSchema.parse(JSON.parse(await readFile(statePath, "utf8")));
        return state.url === url && (await size()) > 0 ? state.validator : undefined;
      } catch {
        return undefined;
      }
    },
    begin: (url, validator) =>
      guarded(async () => {
        // INVARIANT: a validator never stands beside bytes of another answer.
        await rm(statePath, { force: true });
        // After a crash an installed model may be the same file: it is left to that, not emptied.
        const links = await stat(path).then(
          ({ nlink }) => nlink,
          () => 0,
        );
        if (links > 1) await rm(path);
        await (await open(path, "w")).close();
        await writeFile(statePath, JSON.stringify({ url, validator }));
      }),
    append: () => guarded(() => open(path, "a")),
    discard: () =>
      guarded(async () => {
        await rm(statePath, { force: true });
        await rm(path, { force: true });
      }),
  };
}

/** @throws AppError `download/disk` where `bytes` more do not fit beside the part. */
export async function expectRoom(part: PartFile, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(part.path)).catch((error: unknown) => raiseDisk(error, part.path));
  if (bavail * bsize < bytes) {
    throw appError("download/disk", `${bytes} bytes are to come, ${bavail * bsize} are free at ${dirname(part.path)}`);
  }
}

export function raiseDisk(cause: unknown, path: string): never {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") throw appError("download/disk", `no space for ${path}`, { cause });
  throw appError("model/folder", `cannot write ${path}: ${message}`, { cause });
}
