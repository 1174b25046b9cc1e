import { type Observable, Subject } from "rxjs";
import type { Door, DoorAnswer } from "../edge/dashboard/door.ts";
import { isAppError } from "../kernel/errors.ts";
import { checkLabel, encodeLabel } from "../message/label.ts";
import type { Topics } from "../message/topic.ts";
import type { LabelKey, RawMessage } from "../stream/parts.ts";
import type { Pipeline } from "../stream/pipeline.ts";

/** A door whose messages go into the pipeline beside the transport's. */
export interface PageDoor extends Door {
  readonly raw$: Observable<RawMessage>;
  /** Listens for what becomes of them; subscribe before `connect`. */
  follow(flow: Pick<Pipeline, "learned$" | "rejected$" | "reply$">): void;
}

export interface PageDoorOptions {
  readonly topics: Topics;
  /** How long a page waits for an answer. */
  readonly answerMs?: number;
  /** A label that is safe on disk may be learned later: a page waits only so long for that. */
  readonly learnMs?: number;
}

/**
 * What people do on the page becomes the messages that a broker would bring: the same checks, the same journal, the same
 * answers on the same topics. They need no broker: a box is taught in front of it, whatever the network does.
 */
export function pageDoor({ topics, answerMs = 60_000, learnMs = 5000 }: PageDoorOptions): PageDoor {
  const raw$ = new Subject<RawMessage>();
  const waiting = new Map<string, Set<(answer: DoorAnswer) => void>>();
  let hasEnded = false;

  function answer(key: string, with_: DoorAnswer): void {
    for (const tell of waiting.get(key) ?? []) tell(with_);
  }

  function send(key: string, message: Pick<RawMessage, "topic" | "payload">, isLabel: boolean): Promise<DoorAnswer> {
    if (hasEnded) return Promise.resolve({ outcome: "unanswered" });
    return new Promise((resolve) => {
      const tells = waiting.get(key) ?? new Set();
      waiting.set(key, tells);
      let timer = setTimeout(() => tell({ outcome: "unanswered" }), answerMs).unref();
      function tell(result: DoorAnswer): void {
        clearTimeout(timer);
        tells.delete(tell);
        if (tells.size === 0) waiting.delete(key);
        resolve(result);
      }
      tells.add(tell);
      const settle = (): void => {
        if (!isLabel || !tells.has(tell)) return;
        clearTimeout(timer);
        timer = setTimeout(() => tell({ outcome: "taken" }), learnMs).unref();
      };
      raw$.next({ ...message, qos: 1, retain: false, properties: new Map(), receivedAt: Date.now(), settle });
    });
  }

  /** Nothing more will be heard: whoever waits, and whoever comes, is told so at once. */
  function end(): void {
    hasEnded = true;
    for (const key of waiting.keys()) answer(key, { outcome: "unanswered" });
  }

  return {
    raw$,
    follow({ learned$, rejected$, reply$ }) {
      learned$.subscribe({
        next: ({ camera, message: { frameId, label, predicted, poolVersion } }) =>
          answer(labelKey({ camera, frameId, label }), { outcome: "learned", predicted, poolVersion }),
        error: end,
        complete: end,
      });
      rejected$.subscribe({
        next({ rejected: { camera, frameId, label, code, detail } }) {
          // Without a label it is the frame, or what was never one: the page's labels are read before they are sent.
          if (camera === null || frameId === undefined || label === undefined) return;
          answer(labelKey({ camera, frameId, label }), { outcome: "rejected", code, detail });
        },
        error: end,
      });
      reply$.subscribe({
        next({ message: { id, ok, code, detail, result } }) {
          if (id === null) return;
          const failed = { outcome: "rejected", code: code ?? "command/failed", detail: detail ?? "" } as const;
          answer(commandKey(id), ok ? { outcome: "done", result: result ?? {} } : failed);
        },
        error: end,
      });
    },
    async label(camera, frameId, label) {
      try {
        const payload = encodeLabel(label);
        const key = labelKey({ camera, frameId, label: checkLabel(label) }); // as it is learned
        return await send(key, { topic: topics.label(camera, frameId), payload }, true);
      } catch (error) {
        if (!isAppError(error)) throw error;
        return { outcome: "rejected", code: error.code, detail: error.message };
      }
    },
    command(name, given) {
      const id = `page-${globalThis.crypto.randomUUID()}`;
      const payload = new TextEncoder().encode(JSON.stringify({ ...given, id }));
      return send(commandKey(id), { topic: topics.command(name), payload }, false);
    },
  };
}

const labelKey = ({ camera, frameId, label }: LabelKey): string => `label ${camera}/${frameId}/${label}`;
const commandKey = (id: string): string => `command ${id}`;
