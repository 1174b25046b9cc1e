import { idOf } from "./frame-window.ts";
import type { LabelKey } from "./parts.ts";
import type { StreamSettings } from "./settings.ts";

/** One labelled frame: its hash (null while it has not come) and the labels it was given, in order. */
export type RememberedFrame = readonly [id: string, hash: string | null, labels: readonly string[]];

/**
 * Which labels were taken for which frames: a bounded memory, saved in the checkpoint, by which a redelivered label
 * is known. Other bytes under the same id are another frame, and have no labels yet.
 */
export interface LabelMemory {
  /** @param hash Of the frame the label is for; null when unknown, which fits any. */
  has(key: LabelKey, hash: string | null): boolean;
  add(key: LabelKey, hash: string | null): void;
  remove(key: LabelKey, hash: string | null): void;
  /** True when the frame had another label before this one. */
  isCorrection(key: LabelKey): boolean;
  /** A forgotten label can be given again. */
  forget(label: string): void;
  rename(from: string, to: string): void;
  save(): readonly RememberedFrame[];
}

export function labelMemory(
  settings: Pick<StreamSettings, "dedupeFrames">,
  saved: readonly RememberedFrame[] = [],
): LabelMemory {
  const frames = new Map<string, { hash: string | null; labels: string[] }>();
  for (const [id, hash, labels] of saved.slice(-settings.dedupeFrames)) frames.set(id, { hash, labels: [...labels] });

  const find = (key: LabelKey, hash: string | null): { hash: string | null; labels: string[] } | undefined => {
    const frame = frames.get(idOf(key.camera, key.frameId));
    return frame === undefined || (hash !== null && frame.hash !== null && hash !== frame.hash) ? undefined : frame;
  };

  return {
    has: (key, hash) => find(key, hash)?.labels.includes(key.label) ?? false,
    add(key, hash) {
      const frame = find(key, hash) ?? { hash, labels: [] };
      frame.hash ??= hash;
      if (!frame.labels.includes(key.label)) frame.labels.push(key.label);
      frames.set(idOf(key.camera, key.frameId), frame);
      for (const id of frames.keys()) {
        if (frames.size <= settings.dedupeFrames) break;
        frames.delete(id);
      }
    },
    remove(key, hash) {
      const frame = find(key, hash);
      if (frame === undefined) return;
      frame.labels = frame.labels.filter((label) => label !== key.label);
      if (frame.labels.length === 0) frames.delete(idOf(key.camera, key.frameId));
    },
    isCorrection: (key) => (find(key, null)?.labels.indexOf(key.label) ?? 0) > 0,
    forget(label) {
      for (const frame of frames.values()) frame.labels = frame.labels.filter((other) => other !== label);
    },
    rename(from, to) {
      for (const frame of frames.values()) frame.labels = frame.labels.map((label) => (label === from ? to : label));
    },
    save: () => [...frames].map(([id, { hash, labels }]) => [id, hash, [...labels]] as const),
  };
}
