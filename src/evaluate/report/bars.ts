import type { Colours } from "./colours.ts";
import { type Drawing, widthPx } from "./draw.ts";
import type { Group } from "./summary.ts";

interface Bar {
  readonly method: string;
  readonly measure: string;
  readonly percent: number;
  /** Deviation over seeds; 0 for one. */
  readonly away: number;
}

/** Average accuracy and forgetting side by side, with the deviation over seeds. */
export function accuracyBars({ Plot, draw }: Drawing, { methods }: Group, color: Colours): string {
  const bars = methods.flatMap(({ method, spread }) =>
    [
      { measure: "average accuracy, %", value: spread(({ metrics }) => metrics.averageAccuracy) },
      { measure: "forgetting, % (less is better)", value: spread(({ metrics }) => metrics.forgetting) },
    ].flatMap(({ measure, value }): Bar[] =>
      value === null ? [] : [{ method, measure, percent: 100 * value.mean, away: 100 * (value.deviation ?? 0) }],
    ),
  );
  const side = { y: "method", fx: "measure" } as const;
  const spreads = bars.filter(({ away }) => away > 0);
  const longest = Math.max(...methods.map(({ method }) => method.length));
  return draw("Average accuracy and forgetting of each method", {
    width: widthPx,
    height: 60 + 24 * methods.length,
    marginLeft: 20 + 7 * longest,
    marginRight: 50,
    color,
    x: { label: null, grid: true, nice: true },
    y: { label: null, domain: methods.map(({ method }) => method), tickSize: 0 },
    fx: { label: null, padding: 0.12 },
    marks: [
      Plot.barX(bars, { ...side, x: "percent", fill: "method" }),
      Plot.ruleY(spreads, {
        ...side,
        x1: ({ percent, away }: Bar) => percent - away,
        x2: ({ percent, away }: Bar) => percent + away,
        stroke: "currentColor",
        strokeWidth: 1.5,
      }),
      Plot.text(bars, {
        ...side,
        x: ({ percent, away }: Bar) => Math.max(0, percent) + away,
        text: ({ percent }: Bar) => percent.toFixed(1),
        textAnchor: "start",
        dx: 5,
      }),
      Plot.ruleX([0]),
    ],
  });
}
