import type { PipelineTelemetry } from "../message/telemetry.ts";

/**
 * Whether work advances, from one telemetry to the next: something was finished, or nothing waits to be.
 * A box whose frames come in and never come out must be restarted, however busy its clock is.
 */
export function progressJudge(): (
  telemetry: Pick<PipelineTelemetry, "totals" | "drops" | "rejected" | "waiting" | "paused">,
) => boolean {
  let finishedBefore = -1;
  let framesBefore = -1;
  return ({ totals, drops, rejected, waiting, paused }) => {
    const finished = totals.predictions + totals.learned + totals.duplicates + sum(drops) + sum(rejected);
    const idle = totals.frames === framesBefore && (paused || waiting.pending === waiting.labels);
    const advances = finished !== finishedBefore || idle;
    finishedBefore = finished;
    framesBefore = totals.frames;
    return advances;
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
