import { createHash } from "node:crypto";
import type { AppError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { StreamSettings } from "./settings.ts";

/** A frame while it can still get a label, with what was found out about it. */
export interface HeldFrame {
  readonly camera: string;
  readonly frameId: string;
  readonly bytes: Uint8Array;
  /** Tells other bytes under the same id: the head of their sha256, hex. */
  readonly hash: string;
  readonly capturedAt: string | null;
  /** Monotonic, ms. */
  readonly arrivedMs: number;
  /** q(x), [D], once it was computed: for the prediction, then again for the learning. */
  query: Float32Array | null;
  /** What was published for it; null when nothing was. */
  published: { readonly label: string | null } | null;
  /** Settles when every prediction that is awaited is out or given up: then the frame may be learned. */
  predicting: Promise<unknown> | null;
  /** Why it is no image. */
  failure: AppError | null;
  /** Learned at least once: it stays for a correction only. */
  learned: boolean;
  expiresMs: number;
}

export type EvictionReason = "window/expired" | "window/count" | "window/bytes";

/**
 * Frames that wait for a label, bounded by time, count and bytes. No replay buffer: a frame leaves it
 * `correctionWindowMs` after it was learned, and until then is learned again only when someone gives it another label.
 */
export interface FrameWindow {
  /** The frame as it is held from now on; the held one when the same bytes come again. A newer frame takes over the id. */
  add(frame: HeldFrame): HeldFrame;
  get(camera: string, frameId: string): HeldFrame | undefined;
  /** True when this frame was here not long ago. */
  wasHere(camera: string, frameId: string): boolean;
  learned(frame: HeldFrame): void;
  /** Lets go of what is over its time. */
  sweep(): void;
  readonly frames: number;
  readonly bytes: number;
}

type Bounds = Pick<StreamSettings, "labelWindowMs" | "labelWindowFrames" | "labelWindowBytes" | "correctionWindowMs">;

export function holdFrame(
  of: Pick<HeldFrame, "camera" | "frameId" | "bytes" | "capturedAt">,
  clock: Clock,
  labelWindowMs: number,
): HeldFrame {
  const arrivedMs = clock.monotonicMs();
  return {
    ...of,
    hash: createHash("sha256").update(of.bytes).digest("hex").slice(0, 16),
    arrivedMs,
    expiresMs: arrivedMs + labelWindowMs,
    query: null,
    published: null,
    predicting: null,
    failure: null,
    learned: false,
  };
}

/** @param evicted Told of each frame that leaves without having been learned. */
export function frameWindow(bounds: Bounds, clock: Clock, evicted: (reason: EvictionReason) => void): FrameWindow {
  // Oldest first: a Map keeps the order of insertion.
  const held = new Map<string, HeldFrame>();
  const gone = new Set<string>();
  let bytes = 0;

  function remove(id: string, frame: HeldFrame): void {
    held.delete(id);
    bytes -= frame.bytes.length;
  }

  function evict(id: string, frame: HeldFrame, reason: EvictionReason): void {
    remove(id, frame);
    gone.add(id);
    if (gone.size > 2 * bounds.labelWindowFrames) gone.delete(first(gone.keys()));
    if (!frame.learned) evicted(reason);
  }

  function shrink(): void {
    while (held.size > bounds.labelWindowFrames) evict(...first(held), "window/count");
    while (bytes > bounds.labelWindowBytes) evict(...first(held), "window/bytes");
  }

  return {
    add(frame) {
      const id = idOf(frame.camera, frame.frameId);
      const before = held.get(id);
      if (before?.hash === frame.hash) return before;
      if (before !== undefined) remove(id, before);
      gone.delete(id);
      held.set(id, frame);
      bytes += frame.bytes.length;
      shrink();
      return frame;
    },
    get: (camera, frameId) => held.get(idOf(camera, frameId)),
    wasHere: (camera, frameId) => gone.has(idOf(camera, frameId)),
    learned(frame) {
      frame.learned = true;
      frame.expiresMs = Math.min(frame.expiresMs, clock.monotonicMs() + bounds.correctionWindowMs);
      const id = idOf(frame.camera, frame.frameId);
      if (bounds.correctionWindowMs === 0 && held.get(id) === frame) evict(id, frame, "window/expired");
    },
    sweep() {
      const now = clock.monotonicMs();
      for (const [id, frame] of held) if (frame.expiresMs <= now) evict(id, frame, "window/expired");
    },
    get frames() {
      return held.size;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** Ids hold no slash, so this joins them without doubt. */
export function idOf(camera: string, frameId: string): string {
  return `${camera}/${frameId}`;
}

function first<T>(of: Iterable<T>): T {
  for (const item of of) return item;
  throw new RangeError("empty");
}
