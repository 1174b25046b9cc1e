import type { Rng } from "../kernel/rng.ts";

export interface BackoffOptions {
  /** Delay before the first new try, ms. */
  readonly minMs: number;
  /** No delay is longer, ms. */
  readonly maxMs: number;
}

/**
 * Delay before try `attempt` (0-based), ms: doubles up to the maximum, of which a random half is taken off, so that a
 * hall of boxes does not come back in step after a broker's restart.
 */
export function backoffMs(attempt: number, { minMs, maxMs }: BackoffOptions, rng: Pick<Rng, "uniform">): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30)) * (0.5 + rng.uniform() / 2);
}
