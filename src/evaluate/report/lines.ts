import { bits } from "../measure.ts";
import { mean } from "../metrics.ts";
import { overall } from "../record.ts";
import type { Colours } from "./colours.ts";
import { type Drawing, widthPx } from "./draw.ts";
import { apart } from "./labels.ts";
import type { Group, MethodSummary } from "./summary.ts";

interface LinePoint {
  readonly method: string;
  readonly frame: number;
  readonly percent: number;
}

/** Upper bounds see all images together: they have no way over the stream. */
function followed({ methods }: Group): MethodSummary[] {
  return methods.filter(({ cells }) => cells[0]!.points.length > 1);
}

/** Accuracy on the test images of all classes seen so far, over the stream. */
export function anytimeLines(drawing: Drawing, group: Group, color: Colours): string {
  const points = followed(group).flatMap(({ method, cells }) => {
    const stops = cells[0]!.points.map(({ after }) => after);
    return stops.map((frame, i) => ({
      method,
      frame,
      percent: 100 * mean(cells.flatMap(({ points }) => points[i]?.scores[overall]!.seen ?? [])),
    }));
  });
  return lines(drawing, group, color, points, "tested on the classes seen so far, %");
}

/** Prequential accuracy over a moving window. */
export function prequentialLines(drawing: Drawing, group: Group, color: Colours): string {
  const window = Math.max(20, Math.round(group.cells[0]!.stream.frames / 20));
  const points = followed(group).flatMap((summary) => movingAverage(summary, window));
  return lines(drawing, group, color, points, `right before learned, of the last ${window} frames, %`);
}

function movingAverage({ method, cells }: MethodSummary, window: number): LinePoint[] {
  const right = cells.map(({ right }) => bits(right[overall]!));
  const frames = right[0]!.length;
  const places = Array.from({ length: 120 }, (_, i) => Math.round(((i + 1) * frames) / 120));
  return places
    .filter((frame) => frame >= window)
    .map((frame) => ({
      method,
      frame,
      percent: 100 * mean(right.flatMap((bits) => bits.slice(frame - window, frame))),
    }));
}

const height = 330;
const [top, bottom] = [52, 34];
const fontPx = 12;

/** Lines with their names at their ends, and the segments of the stream. */
function lines(
  { Plot, draw }: Drawing,
  group: Group,
  color: Colours,
  points: readonly LinePoint[],
  label: string,
): string {
  const { frames, segments } = group.cells[0]!.stream;
  const names = [...new Set(points.map(({ method }) => method))];
  const ends = names.map((name) => points.findLast(({ method }) => method === name)!);
  const [left, right] = [40, 20 + 7 * Math.max(0, ...names.map((name) => name.length))];
  const [low, high] = range(points.map(({ percent }) => percent));
  const percentPerPx = (high - low) / (height - top - bottom);
  const heights = apart(
    ends.map(({ percent }) => percent),
    (fontPx + 2) * percentPerPx,
    { low, high },
  );
  const framePx = (widthPx - left - right) / frames;
  return draw(`${label}, over the stream`, {
    width: widthPx,
    height,
    marginLeft: left,
    marginRight: right,
    marginTop: top,
    marginBottom: bottom,
    color,
    x: { label: "frames", domain: [0, frames], labelAnchor: "center" },
    y: { label, grid: true, domain: [low, high] },
    marks: [
      Plot.ruleX(
        segments.slice(0, -1).map(({ end }) => end),
        { stroke: "currentColor", strokeOpacity: 0.25, strokeDasharray: "3,3" },
      ),
      segments.map(({ name, end }, i) => {
        const start = segments[i - 1]?.end ?? 0;
        return Plot.text([name], {
          x: (start + end) / 2,
          frameAnchor: "top",
          lineAnchor: "bottom",
          dy: -4,
          fontSize: 10,
          fillOpacity: 0.75,
          lineWidth: ((end - start) * framePx) / 10,
        });
      }),
      Plot.lineY(points, { x: "frame", y: "percent", stroke: "method", strokeWidth: 1.75 }),
      Plot.text(ends, {
        x: frames,
        y: (_: LinePoint, i: number) => heights[i]!,
        text: "method",
        fill: "method",
        textAnchor: "start",
        dx: 6,
      }),
    ],
  });
}

/** Whole tens around all values: differences are seen where all are high. */
function range(percents: readonly number[]): readonly [low: number, high: number] {
  const low = 10 * Math.floor(Math.min(...percents, 100) / 10);
  return [Math.min(low, 90), Math.max(low + 10, 10 * Math.ceil(Math.max(...percents, 0) / 10))];
}
