import { errorWatch, similarityWatch, type Watch } from "../learner/drift/watch.ts";
import { defaultDriftSettings } from "../stream/drift.ts";
import { overall, type RunRecord } from "./record.ts";
import type { Segment } from "./scenario.ts";

/** Frames at which the node's detectors, as a configuration without changes has them, would have told a drift. */
export interface DriftAlarms {
  readonly error: readonly number[];
  /** As of one camera. */
  readonly similarity: readonly number[];
}

/** Null for a method that has no similarity: it is no learner of a node. */
export function driftAlarms({ right, similarity }: Pick<RunRecord, "right" | "similarity">): DriftAlarms | null {
  if (similarity === undefined) return null;
  const { error, similarity: ofFrames } = defaultDriftSettings;
  const errors = Array.from(right[overall] ?? "", (digit) => (digit === "1" ? 0 : 1));
  return { error: placesOf(errorWatch(error), errors), similarity: placesOf(similarityWatch(ofFrames), similarity) };
}

function placesOf(watch: Watch, values: readonly (number | null)[]): number[] {
  return values.flatMap((value, place) => (value !== null && watch.update(value) !== null ? [place] : []));
}

/** What alarms were worth where the world changes at the beginning of each segment but the first. */
export interface DriftScore {
  readonly changes: number;
  readonly noticed: number;
  /** Frames from a change to its first alarm, in the middle of those noticed; null for none. */
  readonly delay: number | null;
  /** Alarms before any change, and after the first one of each. */
  readonly falseAlarms: number;
}

/** @param isSteady Nothing changes: all alarms are false. */
export function driftScore(alarms: readonly number[], segments: readonly Segment[], isSteady: boolean): DriftScore {
  const starts = isSteady ? [] : segments.slice(0, -1).map(({ end }) => end);
  const delays = starts.flatMap((start, i) => {
    const first = alarms.find((place) => place >= start && place < (starts[i + 1] ?? Infinity));
    return first === undefined ? [] : [first - start];
  });
  return {
    changes: starts.length,
    noticed: delays.length,
    delay: delays.toSorted((a, b) => a - b)[Math.floor(delays.length / 2)] ?? null,
    falseAlarms: alarms.length - delays.length,
  };
}
