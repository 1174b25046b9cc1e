import {
  areaUnderRoc,
  averageAccuracy,
  backwardTransfer,
  calibrationError,
  forgetting,
  type Matrix,
  mean,
  prequential,
  promptSharing,
} from "./metrics.ts";
import { overall, type Point, type RunRecord } from "./record.ts";
import type { Metrics, UnknownMetrics } from "./result.ts";
import type { TestSet } from "./scenario.ts";

/** All numbers of a finished run. */
export function measure(record: RunRecord, tests: readonly TestSet[]): Metrics {
  const { points, right, bins, promptUse } = record;
  const matrix = matrixOf(points, tests);
  const stops = points.filter(({ stop }) => stop);
  // Several epochs have no stops at equal distances: their segments' ends stand for them.
  const anytime = (stops.length > 0 ? stops : points).map(({ scores }) => scores[overall]!.seen);
  const heads = Object.keys(right).filter((name) => name !== overall);
  return {
    averageAccuracy: averageAccuracy(matrix),
    forgetting: forgetting(matrix),
    backwardTransfer: backwardTransfer(matrix),
    aAuc: mean(anytime),
    aLast: anytime.at(-1)!,
    prequential: prequential(bits(right[overall]!)),
    calibrationError: calibrationError(bins),
    promptSharing: promptUse && promptSharing(promptUse),
    labels: record.cost.learned,
    unknown: record.novelty ? unknownOf(record.novelty) : null,
    heads: Object.fromEntries(
      heads.map((name) => [
        name,
        {
          averageAccuracy: atEnd(points, name),
          prequential: right[name]!.length === right[overall]!.length ? mean(bits(right[name]!)) : null,
        },
      ]),
    ),
  };
}

function unknownOf({ known, novel }: NonNullable<RunRecord["novelty"]>): UnknownMetrics {
  const share = ({ scores, unknown }: typeof known): number | null => {
    return scores.length === 0 ? null : unknown / scores.length;
  };
  return {
    known: known.scores.length,
    novel: novel.scores.length,
    areaUnderRoc: areaUnderRoc(novel.scores, known.scores),
    falseAlarms: share(known),
    found: share(novel),
  };
}

/** Of a head alone; null where it rests. */
function atEnd(points: readonly Point[], head: string): number | null {
  const last = points.findLast(({ segment }) => segment !== null)?.scores[head];
  return last ? mean(last.tests) : null;
}

/** a[i][j] from the stops at segments' ends. */
function matrixOf(points: readonly Point[], tests: readonly TestSet[]): Matrix {
  const rows = points.filter(({ segment }) => segment !== null).map(({ scores }) => scores[overall]!.tests);
  // All images together are one segment: everything is learned in it.
  return { rows, learnedIn: tests.map(({ learnedIn }) => Math.min(learnedIn, rows.length - 1)) };
}

/** `1` and `0` as numbers. */
export function bits(text: string): number[] {
  return Array.from(text, Number);
}
