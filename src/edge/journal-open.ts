import type { JournalEntry } from "../stream/parts.ts";
import { type RecoveredLabel, recoverLabels } from "../stream/recover.ts";

/**
 * The shortest journal that says the same as `entries` once a checkpoint contains the batches up to `through`:
 * later batches with their labels, and labels still open. `recoverLabels` reads from both the same.
 */
export function keepOpen(entries: readonly JournalEntry[], through: number): JournalEntry[] {
  const { batches, open } = recoverLabels(entries, through);
  const kept: JournalEntry[] = [];
  let labels: RecoveredLabel[] = [];
  let taken: JournalEntry[] = [];
  const keys = new Set<string>();

  function flush(): void {
    // A frame that several labels share is written once; with one key twice, it could go to the wrong one.
    kept.push(...(keys.size === labels.length ? sharingFrames(labels) : labels.map(withFrame)), ...taken);
    labels = [];
    taken = [];
    keys.clear();
  }

  function add(group: readonly RecoveredLabel[]): void {
    // A key that comes again (a frame id used again) must not be open twice: a reader might take both for one.
    if (group.some(({ key }) => keys.has(idOf(key)))) flush();
    labels.push(...group);
    for (const { key } of group) keys.add(idOf(key));
  }

  for (const batch of batches) {
    add(batch.labels);
    const { poolVersion, labels: ofBatch, ...rest } = batch;
    taken.push({ kind: "batch", poolVersion, labels: ofBatch.map(({ key }) => key), ...rest });
  }
  add(open);
  flush();
  return kept;
}

/** A shared frame follows the last label it belongs to, as it followed them all when it was written first. */
function sharingFrames(labels: readonly RecoveredLabel[]): JournalEntry[] {
  const lastOf = new Map<Uint8Array, RecoveredLabel>();
  const shared = new Set<Uint8Array>();
  for (const label of labels) {
    if (label.frame === null) continue;
    if (lastOf.has(label.frame)) shared.add(label.frame);
    lastOf.set(label.frame, label);
  }
  return labels.flatMap((label) => {
    const { key, receivedAt, frame } = label;
    if (frame === null || !shared.has(frame)) return [withFrame(label)];
    const entry: JournalEntry = { kind: "label", ...key, receivedAt };
    if (lastOf.get(frame) !== label) return [entry];
    return [entry, { kind: "frame", camera: key.camera, frameId: key.frameId, frame }];
  });
}

function withFrame({ key, receivedAt, frame }: RecoveredLabel): JournalEntry {
  return { kind: "label", ...key, receivedAt, ...(frame !== null && { frame }) };
}

function idOf({ camera, frameId, label }: RecoveredLabel["key"]): string {
  return JSON.stringify([camera, frameId, label]);
}
