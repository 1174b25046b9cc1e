import type { AskingState } from "./asking.ts";
import type { Bin } from "./metrics.ts";

/** One stop of the stream, where the test sets were predicted. */
export interface Point {
  /** Frames that had come. */
  readonly after: number;
  /** The segment that ended here, or null. */
  readonly segment: number | null;
  /** One of the stops at equal distances. */
  readonly stop: boolean;
  /** Of the method as a whole, and of each head that does not rest. */
  readonly scores: Readonly<Record<string, Scores>>;
}

export interface Scores {
  /** Accuracy on each test set, 0…1; a class that was never learned counts as wrong. */
  readonly tests: readonly number[];
  /** Accuracy on all test images whose classes were learned, 0…1: a sample of the anytime accuracy. */
  readonly seen: number;
}

/** What a run has found so far; JSON. */
export interface RunRecord {
  /** Frame by frame `1` for right and `0` for wrong before its label came: of the method, and of each head where it did not rest. */
  right: Record<string, string>;
  points: Point[];
  /** Reliability of the predictions in `right`. */
  bins: Bin[];
  /** How often the final predictions selected each prompt, by test set; null without prompts. */
  promptUse: number[][] | null;
  /** Labels that were learned. */
  labels: string[];
  /** How novel frames looked whose class had been learned, and others, and how many of them were called unknown. */
  novelty?: Record<"known" | "novel", { scores: number[]; unknown: number }>;
  /** How near each frame was to what had been learned; null before the first label; absent for what has no such measure. */
  similarity?: (number | null)[];
  /** Where labels are asked for. */
  asking?: AskingState;
  cost: { learnMs: number; learned: number; predictMs: number; predicted: number };
}

/** The method as a whole, among the names of heads. */
export const overall = "overall";

export function emptyRecord(): RunRecord {
  const cost = { learnMs: 0, learned: 0, predictMs: 0, predicted: 0 };
  return { right: {}, points: [], bins: [], promptUse: null, labels: [], cost };
}
