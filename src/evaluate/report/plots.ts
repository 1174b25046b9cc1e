import { bits } from "../measure.ts";
import { mean } from "../metrics.ts";
import { overall } from "../record.ts";
import type { Drawing } from "./draw.ts";
import type { Group, MethodSummary } from "./summary.ts";

/** Seen well on a light and on a dark page, and apart from each other with most kinds of colour blindness. */
const palette =
  "#4269d0 #d97706 #e0525e #3ca4ac #3f9b5a #c46bb4 #8b7bd8 #a07850 #7f8894 #b8a21f #5f8dd3 #d0743c #5aa5a0 #9c6b8f #7a9440 #996666".split(
    " ",
  );

/** One colour a method, the same in all pictures of a page. */
export function colours(methods: readonly string[]): { readonly domain: string[]; readonly range: string[] } {
  return { domain: [...methods], range: methods.map((_, i) => palette[i % palette.length]!) };
}

type Colours = ReturnType<typeof colours>;

/** Average accuracy and forgetting side by side, with the deviation over seeds. */
export function accuracyBars({ Plot, draw }: Drawing, { methods }: Group, color: Colours): string {
  const bars = methods.flatMap(({ method, spread }) =>
    [
      { measure: "average accuracy, %", value: spread(({ metrics }) => metrics.averageAccuracy) },
      { measure: "forgetting, % (less is better)", value: spread(({ metrics }) => metrics.forgetting) },
    ].flatMap(({ measure, value }) =>
      value === null ? [] : [{ method, measure, percent: 100 * value.mean, away: 100 * (value.deviation ?? 0) }],
    ),
  );
  const side = { y: "method", fx: "measure" } as const;
  const spreads = bars.filter(({ away }) => away > 0);
  return draw("Average accuracy and forgetting of each method", {
    width: 860,
    height: 60 + 26 * methods.length,
    marginLeft: 130,
    marginRight: 50,
    color,
    x: { label: null, grid: true, nice: true },
    y: { label: null, domain: methods.map(({ method }) => method) },
    fx: { label: null, padding: 0.12 },
    marks: [
      Plot.barX(bars, { ...side, x: "percent", fill: "method" }),
      Plot.ruleY(spreads, {
        ...side,
        x1: (bar: (typeof bars)[number]) => bar.percent - bar.away,
        x2: (bar: (typeof bars)[number]) => bar.percent + bar.away,
        stroke: "currentColor",
        strokeWidth: 1.5,
      }),
      Plot.text(bars, {
        ...side,
        x: (bar: (typeof bars)[number]) => Math.max(0, bar.percent) + bar.away,
        text: (bar: (typeof bars)[number]) => bar.percent.toFixed(1),
        textAnchor: "start",
        dx: 5,
      }),
      Plot.ruleX([0]),
    ],
  });
}

/** The colours of the methods that are drawn. */
function only({ domain, range }: Colours, points: readonly LinePoint[]): Colours {
  const kept = domain.map((name) => points.some(({ method }) => method === name));
  return { domain: domain.filter((_, i) => kept[i]), range: range.filter((_, i) => kept[i]) };
}

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

function lines(
  { Plot, draw }: Drawing,
  group: Group,
  color: Colours,
  points: readonly LinePoint[],
  label: string,
): string {
  const ends = group.cells[0]!.stream.segments.slice(0, -1).map(({ end }) => end);
  const path = { x: "frame", y: "percent", stroke: "method" } as const;
  return draw(`${label}, over the stream`, {
    width: 860,
    height: 320,
    marginLeft: 45,
    color: { ...only(color, points), legend: true },
    x: { label: "frames", domain: [0, group.cells[0]!.stream.frames] },
    y: { label, grid: true, zero: true, nice: true },
    marks: [
      Plot.ruleX(ends, { stroke: "currentColor", strokeOpacity: 0.2, strokeDasharray: "3,3" }),
      Plot.lineY(points, { ...path, strokeWidth: 2 }),
      Plot.ruleY([0]),
    ],
  });
}

/** How often each prompt was selected by each test set's images: a small histogram each. */
export function promptHistograms({ Plot, draw }: Drawing, { cells }: MethodSummary): string {
  const { stream, promptUse } = cells[0]!;
  const tasks = stream.tests.map(({ name }) => name);
  const bars = promptUse!.flatMap((uses, j) => {
    const total = uses.reduce((a, b) => a + b, 0);
    return uses.map((count, prompt) => ({ task: tasks[j]!, prompt, percent: total === 0 ? 0 : (100 * count) / total }));
  });
  return draw("How often each prompt was selected, by task", {
    width: 860,
    height: 150,
    marginLeft: 40,
    x: { label: null, ticks: [], tickFormat: () => "" },
    y: { label: null, grid: true, ticks: 4 },
    fx: { label: null, domain: tasks, padding: 0.1 },
    marks: [Plot.barY(bars, { fx: "task", x: "prompt", y: "percent", fill: "#4269d0" }), Plot.ruleY([0])],
  });
}
