import type { JournalRecord } from "./journal-record.ts";

/** What a journal's records take, bytes. */
export interface Room {
  /** Labels and frames. */
  readonly labels: number;
  /** Batches and drops. */
  readonly outcomes: number;
  /** What batches and drops of the labels so far may need in all: kept free for them. */
  readonly promised: number;
}

export const emptyRoom: Room = { labels: 0, outcomes: 0, promised: 0 };

/** A label is in its batch, alone in a second when that fails, and then dropped. */
const outcomesPerLabel = 3;
/** A batch or drop without its keys: the record's prefix, `kind`, a pool version, a code. */
const outcomeBytes = 100;

export function roomWith(room: Room, records: readonly JournalRecord[]): Room {
  let { labels, outcomes, promised } = room;
  for (const { entry, bytes } of records) {
    if (entry.kind === "batch" || entry.kind === "dropped") outcomes += bytes;
    else labels += bytes;
    if (entry.kind !== "label") continue;
    const { camera, frameId, label } = entry;
    const keyBytes = Buffer.byteLength(JSON.stringify({ camera, frameId, label }));
    promised += outcomesPerLabel * (outcomeBytes + keyBytes);
  }
  return { labels, outcomes, promised };
}

/**
 * Whether a journal may grow from one to the other. Labels and frames leave free what was promised to outcomes;
 * outcomes have that in any case, even where the bound was lowered meanwhile.
 */
export function fits(from: Room, to: Room, maxBytes: number): boolean {
  if (to.labels > from.labels) return to.labels + Math.max(to.outcomes, to.promised) <= maxBytes;
  return to.outcomes <= to.promised || to.labels + to.outcomes <= maxBytes;
}
