import type { Clock } from "../kernel/clock.ts";
import { idOf, type HeldFrame } from "./frame-window.ts";
import type { LabelMemory } from "./label-memory.ts";
import type { LabelKey } from "./parts.ts";

/** One label from its receipt until it was learned or rejected. */
export interface PendingLabel {
  readonly key: LabelKey;
  /** Wall clock, ms since the epoch. */
  readonly receivedAt: number;
  /** Monotonic, ms; of the restart for a recovered label, whose frame gets a whole window again. */
  readonly arrivedMs: number;
  frame: HeldFrame | null;
  /** On disk: from now on it is learned or rejected, whatever happens. */
  safe: boolean;
  closed: boolean;
  /** Messages that end with it: its own, and those that came again meanwhile. */
  readonly settles: (() => void)[];
}

/** Every label that is neither learned nor rejected yet, beside the memory of those that are. */
export interface LabelBook {
  readonly memory: LabelMemory;
  /** The label that is being taken when the same is on its way to disk or to the learner. */
  find(key: LabelKey, hash: string | null): PendingLabel | undefined;
  open(key: LabelKey, frame: HeldFrame | null, receivedAt: number, settle?: () => void): PendingLabel;
  /** Gives a frame to the labels that wait for it. */
  attach(frame: HeldFrame): readonly PendingLabel[];
  /** The frame could not be kept: its labels wait on. */
  detach(items: readonly PendingLabel[]): void;
  /** It is on disk. */
  secure(item: PendingLabel): void;
  /** The end: learned, or not (then it can be given again). */
  close(item: PendingLabel, learned: boolean): void;
  /** Labels whose frame did not come within the window; they are no longer attached to one. */
  expire(labelWindowMs: number): readonly PendingLabel[];
  /** Different labels that are on their way. */
  labels(): ReadonlySet<string>;
  readonly waiting: number;
  /** On disk and not closed. */
  readonly pending: number;
}

export function labelBook(memory: LabelMemory, clock: Clock): LabelBook {
  const open = new Set<PendingLabel>();
  const waiting = new Map<string, PendingLabel[]>();
  let pending = 0;

  const wait = (item: PendingLabel): void => {
    const id = idOf(item.key.camera, item.key.frameId);
    waiting.set(id, [...(waiting.get(id) ?? []), item]);
  };
  const stopWaiting = (item: PendingLabel): void => {
    const id = idOf(item.key.camera, item.key.frameId);
    const rest = (waiting.get(id) ?? []).filter((other) => other !== item);
    if (rest.length > 0) waiting.set(id, rest);
    else waiting.delete(id);
  };

  return {
    memory,
    find: (key, hash) => [...open].find((item) => sameKey(item.key, key) && fits(item.frame, hash)),
    open(key, frame, receivedAt, settle) {
      const settles = settle === undefined ? [] : [settle];
      const arrivedMs = clock.monotonicMs();
      const item: PendingLabel = { key, frame, receivedAt, arrivedMs, safe: false, closed: false, settles };
      open.add(item);
      if (frame === null) wait(item);
      return item;
    },
    attach(frame) {
      const id = idOf(frame.camera, frame.frameId);
      const items = waiting.get(id) ?? [];
      waiting.delete(id);
      for (const item of items) item.frame = frame;
      return items;
    },
    detach(items) {
      for (const item of items.filter(({ closed }) => !closed)) {
        item.frame = null;
        wait(item);
      }
    },
    secure(item) {
      if (!item.safe) pending += 1;
      item.safe = true;
      memory.add(item.key, item.frame?.hash ?? null);
    },
    close(item, learned) {
      if (item.closed) return;
      item.closed = true;
      if (item.safe) pending -= 1;
      open.delete(item);
      stopWaiting(item);
      const hash = item.frame?.hash ?? null;
      if (learned) memory.add(item.key, hash);
      else memory.remove(item.key, hash);
    },
    expire(labelWindowMs) {
      const before = clock.monotonicMs() - labelWindowMs;
      const late = [...waiting.values()].flat().filter((item) => item.safe && item.arrivedMs <= before);
      for (const item of late) stopWaiting(item);
      return late;
    },
    labels: () => new Set([...open].map(({ key }) => key.label)),
    get waiting() {
      return [...waiting.values()].reduce((sum, items) => sum + items.length, 0);
    },
    get pending() {
      return pending;
    },
  };
}

function sameKey(a: LabelKey, b: LabelKey): boolean {
  return a.camera === b.camera && a.frameId === b.frameId && a.label === b.label;
}

function fits(frame: HeldFrame | null, hash: string | null): boolean {
  return frame === null || hash === null || frame.hash === hash;
}
