import { from, mergeMap, type OperatorFunction } from "rxjs";
import { appError, type AppError } from "../kernel/errors.ts";
import type { Topics } from "../message/topic.ts";
import type { Joined } from "./join.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { LabelBook, PendingLabel } from "./label-book.ts";
import { coded, refuse, type Duplicate, type Refused } from "./outcome.ts";
import type { JournalEntry, Log } from "./parts.ts";

/** A label on disk with its frame: it can be learned. */
export interface Ready {
  readonly kind: "ready";
  readonly item: PendingLabel;
}

export interface PersistOptions {
  readonly book: LabelBook;
  readonly writer: JournalWriter;
  readonly topics: Topics;
  /** Told when it is on disk that a label will not be learned. */
  readonly labelDropped: () => void;
  readonly log: Log;
}

/**
 * INVARIANT: a label is on disk, or was refused, before its message is settled [MQTT-4.3.2-4].
 * ```
 * // in      -L-l-----f---|
 * // disk    --L-l-----f--      each append takes a while; what comes meanwhile shares the next one
 * // settle  --L-l-----f--
 * // out     --L-------f--|     l is ready when its frame is on disk
 * ```
 */
export function persist(options: PersistOptions): OperatorFunction<Joined, Ready | Refused | Duplicate> {
  return mergeMap((joined) => {
    switch (joined.kind) {
      case "label":
        return from(label(joined, options)).pipe(mergeMap((out) => out));
      case "frame":
        return from(frame(joined, options)).pipe(mergeMap((out) => out));
      case "expired":
        return [expired(joined.item, options)];
      default:
        return [joined];
    }
  });
}

type Event<K extends Joined["kind"]> = Extract<Joined, { kind: K }>;

async function label({ item, topic }: Event<"label">, options: PersistOptions): Promise<readonly (Ready | Refused)[]> {
  const { book, writer, log } = options;
  const { key, receivedAt, settles, frame } = item;
  const settle = (): void => {
    for (const each of settles.splice(0)) each();
  };
  const entry: JournalEntry = { kind: "label", ...key, receivedAt, ...(frame !== null && { frame: frame.bytes }) };
  try {
    if ((await writer.append([entry], "label")) === "closed") return [];
  } catch (error) {
    book.close(item, false);
    return [refuse(coded(error, "writing a label", log), key, topic, settle)];
  }
  book.secure(item);
  settle();
  return frame === null ? [] : [{ kind: "ready", item }];
}

async function frame(event: Event<"frame">, options: PersistOptions): Promise<readonly (Ready | Refused)[]> {
  const { book, writer, log } = options;
  const { items, topic, settle } = event;
  const { camera, frameId, bytes } = event.frame;
  try {
    // Behind its label, when that is not on disk yet: a journal is read in its order.
    const lane = items.every(({ safe }) => safe) ? "frame" : "label";
    if ((await writer.append([{ kind: "frame", camera, frameId, frame: bytes }], lane)) === "closed") return [];
  } catch (error) {
    book.detach(items);
    return [refuse(coded(error, "writing a frame", log), { camera, frameId }, topic, settle)];
  }
  settle();
  // A label that found no room on disk was closed meanwhile.
  const safe = items.filter((item) => item.safe && !item.closed);
  for (const item of safe) book.secure(item);
  return safe.map((item) => ({ kind: "ready", item }) as const);
}

function expired(item: PendingLabel, options: PersistOptions): Refused {
  const error = appError("label/unknown-frame", `no frame ${item.key.frameId} came within the label window`);
  return dropped(item, error, options);
}

/** A label that was safe and will not be learned: said first, then written, so that a crash says it twice, not never. */
export function dropped(item: PendingLabel, error: AppError, options: PersistOptions): Refused {
  const { book, writer, topics, labelDropped } = options;
  book.close(item, false);
  return refuse(error, item.key, topics.label(item.key.camera, item.key.frameId), () => {
    void writer.append([{ kind: "dropped", ...item.key, code: error.code }], "batch").then(labelDropped);
  });
}
