import type { Rng } from "../../src/kernel/rng.ts";
import type { ChangeDetector } from "../../src/learner/drift/detector.ts";

export function digitsOf(digits: string): number[] {
  return Array.from(digits, Number);
}

/** Where a detector told a change. */
export function changesAt(detector: ChangeDetector, values: readonly number[]): number[] {
  return values.flatMap((value, at) => (detector.update(value) === null ? [] : [at]));
}

/** Ones with that chance, else zeros. */
export function coinFlips(rng: Rng, count: number, chance: number): number[] {
  return Array.from({ length: count }, () => (rng.uniform() < chance ? 1 : 0));
}
