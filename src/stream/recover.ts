import type { JournalEntry, LabelKey } from "./parts.ts";

/** A label of an earlier run. */
export interface RecoveredLabel {
  readonly key: LabelKey;
  readonly receivedAt: number;
  /** Null while its frame has not come. */
  frame: Uint8Array | null;
}

export interface RecoveredBatch {
  readonly poolVersion: number;
  readonly labels: readonly RecoveredLabel[];
  /** As in its entry. */
  readonly plasticity?: number;
}

export interface Recovered {
  /** To be learned again first, in this order, each as it is. */
  readonly batches: readonly RecoveredBatch[];
  /** In no batch and not dropped: learned next, or waiting for their frames. */
  readonly open: readonly RecoveredLabel[];
  /** Dropped, and not given again since: a checkpoint may still remember them as taken. */
  readonly dropped: readonly LabelKey[];
}

/**
 * Reads a journal in the order in which it was written. One camera, frame id and label may stand in it twice (a frame
 * id that came again with another image): a batch or a drop speaks of the oldest that is still open.
 * @param through A checkpoint contains the batches up to this number.
 */
export function recoverLabels(entries: readonly JournalEntry[], through: number): Recovered {
  let open: RecoveredLabel[] = [];
  let dropped: LabelKey[] = [];
  const batches: RecoveredBatch[] = [];

  /** Takes the oldest open label of this key out. */
  function take(key: LabelKey): RecoveredLabel | undefined {
    const found = open.find((label) => sameLabel(label.key, key));
    open = open.filter((label) => label !== found);
    return found;
  }

  for (const entry of entries) {
    if (entry.kind === "label") {
      const { camera, frameId, label, receivedAt, frame = null } = entry;
      const key = { camera, frameId, label };
      dropped = dropped.filter((other) => !sameLabel(other, key));
      // Written twice when the first append failed half-way and was tried again.
      const same = open.find((other) => sameLabel(other.key, key) && mayBeSame(other.frame, frame));
      if (same === undefined) open.push({ key, receivedAt, frame });
      else same.frame ??= frame;
    } else if (entry.kind === "frame") {
      for (const label of open) if (isFor(label.key, entry)) label.frame ??= entry.frame;
    } else if (entry.kind === "batch") {
      // Learning failed after a batch was written: the same number came again with what was tried next.
      while (batches.length > 0 && batches.at(-1)!.poolVersion >= entry.poolVersion) {
        open.unshift(...batches.pop()!.labels);
      }
      const labels = entry.labels.map(take).filter((label) => label !== undefined);
      const { poolVersion, plasticity } = entry;
      batches.push({ poolVersion, labels, ...(plasticity !== undefined && { plasticity }) });
    } else {
      const { camera, frameId, label } = entry;
      dropped.push({ camera, frameId, label });
      if (take(entry) !== undefined || batches.length === 0) continue;
      const last = batches.pop()!;
      const labels = last.labels.filter((other) => !sameLabel(other.key, entry));
      batches.push({ ...last, labels });
    }
  }
  const replayed = batches.filter(({ poolVersion, labels }) => poolVersion > through && labels.length > 0);
  return { batches: replayed, open, dropped };
}

function mayBeSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null || Buffer.compare(a, b) === 0;
}

function sameLabel(a: LabelKey, b: LabelKey): boolean {
  return isFor(a, b) && a.label === b.label;
}

function isFor(a: LabelKey, b: { readonly camera: string; readonly frameId: string }): boolean {
  return a.camera === b.camera && a.frameId === b.frameId;
}
