import {
  concatMap,
  connect,
  endWith,
  ignoreElements,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
  takeUntil,
} from "rxjs";
import { appError, type AppError } from "../kernel/errors.ts";
import type { ArrivedLabel } from "./decode.ts";
import type { FrameWindow, HeldFrame } from "./frame-window.ts";
import type { LabelBook, PendingLabel } from "./label-book.ts";
import { refuse, type Arrival, type ArrivedFrame, type Duplicate, type Refused } from "./outcome.ts";
import type { StreamSettings } from "./settings.ts";
import { ticks } from "./ticks.ts";

/** What is to be written because of what came in. */
export type Joined =
  /** A label was taken; with its frame when that is here. */
  | { readonly kind: "label"; readonly item: PendingLabel; readonly topic: string }
  /** The frame that these labels waited for. */
  | {
      readonly kind: "frame";
      readonly frame: HeldFrame;
      readonly items: readonly PendingLabel[];
      readonly topic: string;
      readonly settle: () => void;
    }
  /** Its frame did not come. */
  | { readonly kind: "expired"; readonly item: PendingLabel }
  | Refused
  | Duplicate;

export interface JoinOptions {
  readonly window: FrameWindow;
  readonly book: LabelBook;
  readonly settings: Pick<StreamSettings, "labelWindowMs" | "maxLabels">;
  /** Labels that were learned. */
  readonly known: () => readonly string[];
  /** True while too many labels stand in line for the disk. */
  readonly lineIsFull: () => boolean;
  readonly sweepMs: () => number;
  /** Emits when the settings may have changed. */
  readonly changed$: Observable<unknown>;
  readonly scheduler: SchedulerLike;
}

/**
 * Labels find their frames: before, with or after them, within the window. A label that comes again is a duplicate; a
 * different one is a correction, taken like any label while its frame is still held.
 * ```
 * // in   -F-L-----l--f----x------|   L: label of F; l waits for f; x waits in vain
 * // out  ---LF----l--f----x----e-|   e: x expired at the end of the window
 * ```
 */
export function join(options: JoinOptions): OperatorFunction<ArrivedFrame | ArrivedLabel, Joined> {
  const { window, book, settings, sweepMs, changed$, scheduler } = options;
  const sweep = (): readonly Joined[] => {
    window.sweep();
    return book.expire(settings.labelWindowMs).map((item) => ({ kind: "expired", item }) as const);
  };
  return connect((source) => {
    const end$ = source.pipe(ignoreElements(), endWith(true));
    const sweeps$ = ticks(sweepMs, changed$, scheduler).pipe(takeUntil(end$), map(sweep));
    const arrivals$ = source.pipe(map((arrived) => (arrived.kind === "frame" ? onFrame(arrived) : onLabel(arrived))));
    return merge(arrivals$, sweeps$).pipe(concatMap((joined) => joined));
  });

  function onFrame(arrived: ArrivedFrame): readonly Joined[] {
    const { frame, label, topic, settle } = arrived;
    const items = book.attach(frame);
    // The message is safe when everything that hangs on it is.
    const settleOne = countdown(Number(items.length > 0) + Number(label !== null), settle);
    const { camera, frameId } = frame;
    return [
      ...(items.length > 0 ? [{ kind: "frame", frame, items, topic, settle: settleOne } as const] : []),
      ...(label === null ? [] : take({ camera, frameId, label }, frame, { ...arrived, settle: settleOne })),
    ];
  }

  function onLabel(arrived: ArrivedLabel): readonly Joined[] {
    const { key } = arrived;
    return take(key, window.get(key.camera, key.frameId) ?? null, arrived);
  }

  function take(key: PendingLabel["key"], frame: HeldFrame | null, arrival: Arrival): readonly Joined[] {
    const { topic, receivedAt, settle } = arrival;
    const hash = frame?.hash ?? null;
    if (book.memory.has(key, hash)) return [{ kind: "duplicate", settle }];
    const same = book.find(key, hash);
    if (same?.safe === true) return [{ kind: "duplicate", settle }];
    if (same !== undefined) {
      // It came again before the first was safe: both end together.
      same.settles.push(settle);
      return [];
    }
    const fault = faultOf(key, frame, arrival);
    if (fault !== null) return [refuse(fault, key, topic, settle)];
    return [{ kind: "label", item: book.open(key, frame, receivedAt, settle), topic }];
  }

  function faultOf(key: PendingLabel["key"], frame: HeldFrame | null, { qos }: Arrival): AppError | null {
    if (frame?.failure) return frame.failure;
    if (frame === null && window.wasHere(key.camera, key.frameId)) {
      return appError("label/late", "the frame has left the label window");
    }
    // With a higher QoS it waits its turn, unsettled: the transport takes in only so many.
    if (qos === 0 && options.lineIsFull()) return appError("label/overflow", "too many labels wait for the disk");
    if (isTooMany(key.label)) return appError("label/too-many", `${settings.maxLabels} different labels are in use`);
    return null;
  }

  function isTooMany(label: string): boolean {
    const known = options.known();
    if (known.includes(label)) return false;
    const all = new Set([...known, ...book.labels()]);
    return !all.has(label) && all.size >= settings.maxLabels;
  }
}

function countdown(count: number, done: () => void): () => void {
  let left = count;
  if (left === 0) done();
  return () => {
    left -= 1;
    if (left === 0) done();
  };
}
