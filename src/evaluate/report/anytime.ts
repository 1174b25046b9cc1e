import { mean } from "../metrics.ts";
import { overall } from "../record.ts";
import type { CellResult } from "../result.ts";

/**
 * A_auc, 0…1: the mean of the accuracies at equal distances of the stream; null where a cell was tested at its end alone.
 * A run with `--stops 1` is tested at its segments' ends too, and where these are as far from each other they are the same
 * points as those of a run with as many stops. (Such a run's `metrics.aAuc` is of its one stop.)
 */
export function anytimeArea({ points, metrics, stream }: CellResult): number | null {
  if (points.filter(({ stop }) => stop).length > 1) return metrics.aAuc;
  const ends = points.filter(({ segment }) => segment !== null);
  const even = ends.every(({ after }, i) => Math.abs(after - ((i + 1) * stream.frames) / ends.length) <= 1);
  return even && ends.length > 1 ? mean(ends.map(({ scores }) => scores[overall]!.seen)) : null;
}
