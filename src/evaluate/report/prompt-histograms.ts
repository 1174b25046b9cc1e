import { type Drawing, widthPx } from "./draw.ts";
import type { MethodSummary } from "./summary.ts";

const height = 150;

interface Bar {
  readonly task: string;
  readonly prompt: number;
  readonly percent: number;
}

/** How often each prompt was selected by each test set's images, in % of them all; of the first seed. */
function selections({ cells }: MethodSummary): Bar[] {
  const { stream, promptUse } = cells[0]!;
  return promptUse!.flatMap((uses, j) => {
    const total = uses.reduce((a, b) => a + b, 0);
    const task = stream.tests[j]!.name;
    return uses.map((count, prompt) => ({ task, prompt, percent: total === 0 ? 0 : (100 * count) / total }));
  });
}

/** A small histogram a task, of each method; all have the same scale. */
export function promptHistograms({ Plot, draw }: Drawing, methods: readonly MethodSummary[]): string[] {
  const all = methods.map(selections);
  const most = Math.max(...all.flat().map(({ percent }) => percent));
  return all.map((bars, i) => {
    const tasks = methods[i]!.cells[0]!.stream.tests.map(({ name }) => name);
    return draw("How often each prompt was selected, by task", {
      width: widthPx,
      height,
      marginLeft: 40,
      marginTop: 36,
      marginBottom: 12,
      x: { axis: null },
      y: {
        label: null,
        grid: true,
        ticks: 4,
        domain: [0, most],
        nice: true,
        tickFormat: (percent: number) => `${percent} %`,
      },
      fx: { label: null, domain: tasks, padding: 0.1 },
      marks: [
        Plot.axisFx({ anchor: "top", lineWidth: widthPx / 13 / tasks.length, lineAnchor: "bottom", label: null }),
        Plot.barY(bars, { fx: "task", x: "prompt", y: "percent", fill: "#4269d0" }),
        Plot.ruleY([0]),
      ],
    });
  });
}
