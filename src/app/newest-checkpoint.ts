import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCheckpointName } from "../edge/checkpoint-name.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import { decodeCheckpoint, type Checkpoint } from "../message/checkpoint.ts";

/** Of a state folder. */
export function checkpointFolder(stateFolder: string): string {
  return join(stateFolder, "checkpoints");
}

export interface ListedCheckpoint {
  readonly name: string;
  readonly sizeBytes: number;
  readonly checkpoint: Checkpoint;
}

export interface ReadOnlyOptions {
  /** Told of each one that cannot be used. */
  readonly onUnusable: (name: string, error: unknown) => void;
}

/**
 * The checkpoints of a state folder, newest first, each read when it is asked for. Nothing is written, mended or locked:
 * a node may be running on the folder. One that the node removes meanwhile is passed over.
 * @throws AppError `store/empty` when there is no such folder, `store/io`
 */
export async function* readCheckpoints(
  stateFolder: string,
  { onUnusable }: ReadOnlyOptions,
): AsyncGenerator<ListedCheckpoint> {
  const folder = checkpointFolder(stateFolder);
  const files = (await list(folder))
    .map(parseCheckpointName)
    .filter((file) => file !== null)
    .filter(({ corrupt }) => !corrupt)
    .toSorted((a, b) => b.sequence - a.sequence);
  for (const { name } of files) {
    let read: ListedCheckpoint;
    try {
      const bytes = await readFile(join(folder, name));
      read = { name, sizeBytes: bytes.length, checkpoint: decodeCheckpoint(bytes) };
    } catch (error) {
      if (codeOf(error) === "ENOENT") continue;
      if (!isAppError(error)) throw appError("store/io", `cannot read ${name}`, { cause: error });
      onUnusable(name, error);
      continue;
    }
    yield read;
  }
}

/** The newest that is whole. @throws AppError `store/empty`, `store/io` */
export async function newestCheckpoint(stateFolder: string, options: ReadOnlyOptions): Promise<ListedCheckpoint> {
  // A node that keeps one checkpoint may have removed it, for a newer one, since the folder was listed.
  for (let attempt = 0; attempt < 3; attempt++) {
    for await (const checkpoint of readCheckpoints(stateFolder, options)) return checkpoint;
  }
  throw appError("store/empty", `no checkpoint that can be used in ${checkpointFolder(stateFolder)}`);
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") throw appError("store/empty", `there is no folder ${folder}`, { cause });
    throw appError("store/io", `cannot read ${folder}`, { cause });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
