import type { Clock } from "../kernel/clock.ts";
import { holdFrame, type FrameWindow } from "./frame-window.ts";
import type { LabelBook, PendingLabel } from "./label-book.ts";
import type { JournalEntry, Log } from "./parts.ts";
import type { Ready } from "./persist.ts";
import { recoverLabels, type RecoveredLabel } from "./recover.ts";
import type { StreamSettings } from "./settings.ts";

export interface ReopenedBatch {
  readonly poolVersion: number;
  readonly items: readonly PendingLabel[];
  readonly plasticity: number;
}

/** The last run's labels, open again. */
export interface Reopened {
  /** To be learned again first, each batch as it was. */
  readonly batches: readonly ReopenedBatch[];
  /** In no batch yet, with their frames. Those without a frame wait in the book, for a whole window again. */
  readonly ready: readonly Ready[];
}

export interface ReopenOptions {
  readonly progress: { readonly through: number };
  readonly window: FrameWindow;
  readonly book: LabelBook;
  readonly clock: Clock;
  readonly settings: Pick<StreamSettings, "labelWindowMs">;
  readonly log: Log;
}

export function reopen(entries: readonly JournalEntry[], options: ReopenOptions): Reopened {
  const { progress, log } = options;
  const { batches, open, dropped } = recoverLabels(entries, progress.through);
  // It was rejected: its sender may give it again.
  for (const key of dropped) options.book.memory.remove(key, null);
  const first = batches[0]?.poolVersion;
  if (first !== undefined && first !== progress.through + 1) {
    log("warn", `batches ${progress.through + 1} to ${first - 1} are neither in the checkpoint nor in the journal`);
  }
  const replays = batches.map(({ poolVersion, labels, plasticity = 1 }) => ({
    poolVersion,
    plasticity,
    items: labels.map((label) => reopenOne(label, options)).filter((item) => item.frame !== null),
  }));
  const items = open.map((label) => reopenOne(label, options));
  const ready = items.filter(({ frame }) => frame !== null).map((item) => ({ kind: "ready", item }) as const);
  return { batches: replays, ready };
}

function reopenOne({ key, receivedAt, frame }: RecoveredLabel, options: ReopenOptions): PendingLabel {
  const { window, book, clock, settings } = options;
  const content = { camera: key.camera, frameId: key.frameId, capturedAt: null };
  const held =
    frame === null ? null : window.add(holdFrame({ ...content, bytes: frame }, clock, settings.labelWindowMs));
  const item = book.open(key, held, receivedAt);
  book.secure(item);
  return item;
}
