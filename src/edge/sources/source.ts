import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { type AppError, appError, isAppError } from "../../kernel/errors.ts";

/** A picture as a source gives it. */
export interface SourceFrame {
  /** One image file: JPEG, or whatever lies in a folder. */
  readonly bytes: Uint8Array;
  /** Where the source has a name for it. */
  readonly frameId?: string;
}

export interface SourceSink {
  frame(frame: SourceFrame): void;
  /** It works, though there may be no picture yet. */
  works(): void;
}

/**
 * One try. Resolves when the source is at its end, or soon after the signal, with nothing left running.
 * @throws AppError `source/…`: it is to be tried again
 */
export type SourceRun = (sink: SourceSink, signal: AbortSignal) => Promise<void>;

export type SourceState =
  | { readonly kind: "starting" | "running" | "ended" | "closed" }
  /** Tried again later. */
  | { readonly kind: "failing"; readonly fault: AppError };

export interface SourceStats {
  readonly state: SourceState;
  /** Since the start. */
  readonly frames: number;
  readonly restarts: number;
}

/** A camera that is pulled from, again and again. */
export interface Source {
  stats(): SourceStats;
  /** Nothing is left running after it, but what the system does not let go within `closeMs`. Idempotent. */
  close(): Promise<void>;
}

export interface SourceOptions {
  readonly onFrame: (frame: SourceFrame) => void;
  /** Once for each change of the state or its fault's code, not for each try. */
  readonly onState: (state: SourceState) => void;
  /** How long to wait before try `attempt` (0-based) after a fault, ms. */
  readonly delayMs: (attempt: number) => number;
  /** A run that gave pictures for so long was a good one: after it, the waits begin small again, ms. */
  readonly steadyMs: number;
  /** How long to wait at the end for what hangs, ms. Default five seconds. */
  readonly closeMs?: number;
  readonly clock?: Pick<Clock, "monotonicMs">;
}

/** Keeps a source running, with growing waits between tries. */
export function keepRunning(run: SourceRun, options: SourceOptions): Source {
  const { onFrame, onState, delayMs, steadyMs, closeMs = 5000, clock = systemClock } = options;
  const stop = new AbortController();
  const { signal } = stop;
  let state: SourceState = { kind: "starting" };
  let frames = 0;
  let restarts = 0;

  function become(next: SourceState): void {
    const isNews = next.kind !== state.kind || codeOf(next) !== codeOf(state);
    state = next;
    if (isNews) onState(next);
  }

  /** @returns the fault, and for how long it had worked, ms; undefined at the source's end. */
  async function runOnce(): Promise<{ readonly fault: AppError; readonly workedMs: number } | undefined> {
    let since: number | undefined;
    const works = (): void => {
      since ??= clock.monotonicMs();
      if (!signal.aborted) become({ kind: "running" });
    };
    const frame = (picture: SourceFrame): void => {
      if (signal.aborted) return;
      works();
      frames += 1;
      onFrame(picture);
    };
    try {
      await run({ frame, works }, signal);
      return undefined;
    } catch (error) {
      const fault = isAppError(error) ? error : appError("source/failed", String(error), { cause: error });
      return { fault, workedMs: since === undefined ? 0 : clock.monotonicMs() - since };
    }
  }

  async function keep(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const failed = await runOnce();
      if (signal.aborted) return become({ kind: "closed" });
      if (failed === undefined) return become({ kind: "ended" });
      become({ kind: "failing", fault: failed.fault });
      if (failed.workedMs >= steadyMs) attempt = 0;
      await sleep(delayMs(attempt), undefined, { signal }).catch(() => {});
      if (signal.aborted) return become({ kind: "closed" });
      restarts += 1;
    }
  }

  const kept = keep();
  return {
    stats: () => ({ state, frames, restarts }),
    async close() {
      stop.abort();
      const over = new AbortController();
      const late = sleep(closeMs, undefined, { signal: over.signal }).catch(() => {});
      await Promise.race([kept, late]);
      over.abort();
    },
  };
}

function codeOf(state: SourceState): string | undefined {
  return state.kind === "failing" ? state.fault.code : undefined;
}
