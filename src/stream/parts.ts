/** A message as a transport hands it over; the transport never looks into the payload. */
export interface RawMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** MQTT 5 user properties; empty on 3.1.1. The last of equal names wins. */
  readonly properties: ReadonlyMap<string, string>;
  /** ms since the epoch. */
  readonly receivedAt: number;
  /** Lets the transport send the PUBACK [MQTT-4.3.2-4]; called once, when the message is safe or rejected. Idempotent. */
  settle(): void;
}

/** Names one label given to one frame: what the product knows a redelivered message by. */
export interface LabelKey {
  readonly camera: string;
  readonly frameId: string;
  readonly label: string;
}

/** What the journal holds, in the order it happened. */
export type JournalEntry =
  | (LabelKey & { readonly kind: "label"; readonly receivedAt: number; readonly frame?: Uint8Array })
  /** The image of a frame whose label came first. */
  | { readonly kind: "frame"; readonly camera: string; readonly frameId: string; readonly frame: Uint8Array }
  /**
   * Written before a batch is learned: a replay repeats its boundaries. `poolVersion` is the version after it, and
   * counts on from the highest ever after a rollback: it never goes back. A later batch with the same number replaces
   * the earlier one, whose learning failed (see `recoverLabels`, which `cut` uses to find what is still open).
   */
  | {
      readonly kind: "batch";
      readonly poolVersion: number;
      readonly labels: readonly LabelKey[];
      /** What the learning rate is multiplied by, > 0; 1 without it. */
      readonly plasticity?: number;
    }
  /** A label that will never be learned (late, unknown frame, bad image). */
  | (LabelKey & { readonly kind: "dropped"; readonly code: string });

/**
 * The write-ahead journal of labels: what was acknowledged and is not yet in a checkpoint.
 * It is no replay buffer: nothing in it is learned again in a normal run.
 */
export interface Journal {
  /** Resolves when the entries are on disk (fsync). @throws AppError `journal/full`, `journal/io` */
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** What the last run left behind, oldest first. */
  recover(): Promise<readonly JournalEntry[]>;
  /** A checkpoint holds everything up to this version: keeps only labels (with their frames) that are in no such batch and not dropped. */
  cut(poolVersion: number): Promise<void>;
  readonly sizeBytes: number;
  close(): Promise<void>;
}

/** Where the pipeline tells what only a person can use. */
export type Log = (level: "error" | "warn" | "info", message: string, cause?: unknown) => void;
