import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileStore } from "../edge/file-store.ts";
import { scanRecords } from "../edge/journal-record.ts";
import { lockState } from "../edge/state-lock.ts";
import { appError } from "../kernel/errors.ts";
import { encodeCheckpoint, type Checkpoint } from "../message/checkpoint.ts";
import { requireModel } from "../message/snapshot-about.ts";
import { prequentialAccuracy } from "../stream/accuracy.ts";
import { readStreamState, type StreamState } from "../stream/checkpoint.ts";
import type { JournalEntry, Log } from "../stream/parts.ts";
import { recoverLabels } from "../stream/recover.ts";
import { checkpointFolder } from "./newest-checkpoint.ts";
import type { ModelIdentity } from "./durable-state.ts";
import type { SavedFile } from "./snapshot-file.ts";

export interface RestoreOptions {
  readonly saved: SavedFile;
  readonly stateFolder: string;
  /** How many checkpoints stay. */
  readonly keep: number;
  /** The model that the node will run; undefined: that of the folder's newest checkpoint, where there is one. */
  readonly model: ModelIdentity | undefined;
  readonly log: Log;
}

export interface Restored {
  /** The new checkpoint's name. */
  readonly checkpoint: string;
  /** Labels of the journal's batches, learned since the last checkpoint: they belonged to what is replaced, and go with it. */
  readonly replacedLabels: number;
  /** Labels of the journal that were not learned yet: the node learns them on top when it starts. */
  readonly waitingLabels: number;
}

/**
 * Makes a saved state the newest checkpoint of a stopped node. What the box itself knows of its stream (which labels it
 * took, its accuracy) stays, as with the command `restore`; an empty folder takes the file's, so that a box can move.
 * @throws AppError `state/locked` while a node runs on the folder; `snapshot/model-mismatch`, `store/io`, `journal/io`
 */
export async function restoreInto({ saved, stateFolder, keep, model, log }: RestoreOptions): Promise<Restored> {
  const lock = await lockState(stateFolder);
  try {
    const store = await fileStore({ folder: checkpointFolder(stateFolder), keep, log });
    const own = (await store.latest())?.checkpoint;
    const expected = model ?? own?.about;
    if (expected !== undefined) requireModel(saved.about, expected);

    const entries = await journalEntries(join(stateFolder, "journal", "journal.log"));
    const { stream, replacedLabels, waitingLabels } = streamFor(saved, own, entries);
    const about = { ...saved.about, reason: "restore" };
    const checkpoint = await store.save(encodeCheckpoint({ about, state: saved.state, stream }), about);
    return { checkpoint, replacedLabels, waitingLabels };
  } finally {
    await lock.release();
  }
}

/** The stream's part of the new checkpoint, and what it makes of the journal. */
function streamFor(
  saved: SavedFile,
  own: Checkpoint | undefined,
  entries: readonly JournalEntry[],
): { readonly stream: StreamState | null } & Pick<Restored, "replacedLabels" | "waitingLabels"> {
  const ownStream = readStreamState(own?.stream);
  const { batches, open } = recoverLabels(entries, ownStream?.through ?? 0);
  const counts = {
    replacedLabels: batches.reduce((sum, { labels }) => sum + labels.length, 0),
    waitingLabels: open.length,
  };
  const moved = saved.kind === "checkpoint" && entries.length === 0 ? readStreamState(saved.stream) : null;
  const stream = ownStream ?? moved;
  if (stream === null && entries.length === 0) return { stream, ...counts };
  // Above every batch that is in the journal: replayed over another state, they would be neither old nor new.
  const through = Math.max(stream?.through ?? 0, versionOf(saved), ...batches.map(({ poolVersion }) => poolVersion));
  return { stream: { ...(stream ?? nothingSeen), through }, ...counts };
}

const nothingSeen: StreamState = {
  v: 1,
  through: 0,
  memory: [],
  accuracy: prequentialAccuracy({ accuracyWindow: 1, accuracyFading: 1 }).save(),
  paused: false,
};

/** The learner counts its batches from here. */
function versionOf({ about, state }: SavedFile): number {
  const { poolVersion } = state.meta;
  return typeof poolVersion === "number" ? Math.max(poolVersion, about.poolVersion) : about.poolVersion;
}

/** Read as it is; a damaged end is for the node to mend. */
async function journalEntries(path: string): Promise<readonly JournalEntry[]> {
  try {
    return scanRecords(await readFile(path)).records.map(({ entry }) => entry);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw appError("journal/io", `cannot read ${path}`, { cause });
  }
}
