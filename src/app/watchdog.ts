import type { PipelineTelemetry } from "../message/telemetry.ts";
import { isEngineFailure } from "../stream/outcome.ts";

/**
 * Whether work advances, from one telemetry to the next: something was finished, or nothing waits to be.
 * A box whose frames come in and never come out must be restarted, however busy its clock is. A frame that a newer one
 * replaced, or that failed by the box's own fault, is no work done: a hung engine leaves nothing else.
 */
export function progressJudge(): (
  telemetry: Pick<PipelineTelemetry, "totals" | "rejected" | "waiting" | "paused">,
) => boolean {
  let finishedBefore = -1;
  let framesBefore = -1;
  return ({ totals, rejected, waiting, paused }) => {
    const finished = totals.predictions + totals.learned + totals.duplicates + refusals(rejected);
    const idle = totals.frames === framesBefore && (paused || waiting.pending === waiting.labels);
    const advances = finished !== finishedBefore || idle;
    finishedBefore = finished;
    framesBefore = totals.frames;
    return advances;
  };
}

/** Of bad input. */
function refusals(rejected: Readonly<Record<string, number>>): number {
  return Object.entries(rejected)
    .filter(([code]) => !isEngineFailure(code) && code !== "pipeline/internal")
    .reduce((sum, [, count]) => sum + count, 0);
}
