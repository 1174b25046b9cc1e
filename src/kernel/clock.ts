/** Time as a value that is passed in, so that a test owns it. */
export interface Clock {
  /** Wall-clock time, ms since the Unix epoch; may jump. */
  now(): number;
  /** Monotonic time, ms from an arbitrary origin; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() };

/** A clock that stands still until `advance` moves both of its times. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function fakeClock(startMs = 0): FakeClock {
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    advance: (ms) => {
      elapsedMs += ms;
    },
  };
}
