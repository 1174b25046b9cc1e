import type { Checkpoint } from "../message/checkpoint.ts";
import type { SnapshotAbout } from "../message/snapshot-about.ts";

/** One checkpoint in a store. */
export interface StoredEntry extends SnapshotAbout {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface StoredCheckpoint {
  readonly name: string;
  readonly checkpoint: Checkpoint;
}

/**
 * Keeps the newest checkpoints. Newest is what was saved last, whatever the versions (a rollback's are lower) and clocks
 * say. All throw AppError `store/io` where the place fails.
 */
export interface SnapshotStore {
  /** Resolves, with its name, when it is safe. Then the oldest beyond the number to keep go. @param bytes An encoded checkpoint, `about` its own. */
  save(bytes: Uint8Array, about: SnapshotAbout): Promise<string>;
  /** The newest that is whole; null when there is none. A damaged one is set aside, loudly, and the one before is taken. */
  latest(): Promise<StoredCheckpoint | null>;
  /** @throws AppError `store/not-found`; `snapshot/…` when it is damaged or of a newer version */
  read(name: string): Promise<Checkpoint>;
  /** Newest first, without damaged ones. */
  list(): Promise<readonly StoredEntry[]>;
}
