import type { BenchReport, Ratios, Timing } from "./bench.ts";
import type { Spread } from "./spread.ts";
import type { VariantTiming } from "./variants.ts";

/** The goals of the product at batch 1: see `Ratios`; the second in percent. */
const goals = { stepToPrompted: 2.4, offTokenRatio: 10 } as const;

/** A report to be read on a terminal. */
export function benchTable(report: BenchReport): string {
  const { machine, model, tokens, tokenRatio, timings, ratios, preprocessingMs, memory } = report;
  const million = (model.parameters / 1e6).toFixed(1);
  const groups = timings.filter(({ work }) => work === "query");
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}`,
    ...(machine.loadBefore > machine.cores / 2
      ? [`The machine is busy (load ${machine.loadBefore.toFixed(1)}): trust the processor time.`]
      : []),
    `${model.name}, ${million} M numbers`,
    `${tokens.query} tokens a query, ${tokens.prompts} more when prompted: token ratio ${tokenRatio.toFixed(3)}`,
    "",
    "milliseconds: median (10 % … 90 %)",
    ...grid([
      ["engine", "threads", "batch", "query", "prompted", "training step"],
      ...groups.map((group) => [...where(group), ...times(timings, group, ({ ms }) => ms)]),
    ]),
    "",
    "milliseconds of processor time, all threads",
    ...grid([
      ["engine", "threads", "batch", "query", "prompted", "training step"],
      ...groups.map((group) => [...where(group), ...times(timings, group, ({ cpuMs }) => cpuMs)]),
    ]),
    "",
    "ratios of neighbouring runs",
    ...grid([
      ["engine", "threads", "batch", "step ÷ prompted", "of processor time", "prompted ÷ query", "of processor time"],
      ...ratios.map((ratio) => [
        ...where(ratio),
        spread(ratio.stepToPrompted, 2),
        spread(ratio.cpu.stepToPrompted, 2),
        spread(ratio.promptedToQuery, 3),
        spread(ratio.cpu.promptedToQuery, 3),
      ]),
    ]),
    ...verdicts(report),
    "",
    `one 640×480 JPEG prepared: ${spread(preprocessingMs, 1)} ms`,
    ...memory.map(({ after, rssMiB }) => `memory after ${after}: ${rssMiB} MiB`),
  ].join("\n");
}

/** On one thread, in processor time: there the numbers are the product's and not the machine's. */
function verdicts({ ratios, tokenRatio }: BenchReport): string[] {
  return ratios
    .filter(({ engine, batch, threads }) => engine === "onnx" && batch === 1 && threads === 1)
    .flatMap(({ cpu: { stepToPrompted, promptedToQuery } }) => {
      const off = 100 * Math.abs(promptedToQuery.median / tokenRatio - 1);
      return [
        `${mark(stepToPrompted.median <= goals.stepToPrompted)} step ÷ prompted ${stepToPrompted.median.toFixed(2)}, goal ≤ ${goals.stepToPrompted}`,
        `${mark(off <= goals.offTokenRatio)} prompted ÷ query is ${off.toFixed(1)} % off the token ratio, goal ≤ ${goals.offTokenRatio} %`,
      ];
    });
}

type Place = Pick<Timing | Ratios, "engine" | "threads" | "batch"> & { readonly provider?: string };

function where({ engine, provider, threads, batch }: Place): string[] {
  return [provider ? `${engine} (${provider})` : engine, threadsText(threads), String(batch)];
}

function isOf(timing: Timing, group: Timing): boolean {
  return timing.engine === group.engine && timing.threads === group.threads && timing.batch === group.batch;
}

function threadsText(threads: number | null): string {
  if (threads === null) return "-";
  return threads === 0 ? "default" : String(threads);
}

function mark(reached: boolean): string {
  return reached ? "reached:    " : "NOT reached:";
}

function times(timings: readonly Timing[], group: Timing, pick: (timing: Timing) => Spread): string[] {
  return timings.filter((timing) => isOf(timing, group)).map((timing) => spread(pick(timing), 1));
}

function spread({ median, p10, p90 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${p10.toFixed(digits)} … ${p90.toFixed(digits)})`;
}

/** Columns as wide as their widest cell; the first is aligned at the left, numbers at the right. */
function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
}

/** Models side by side, to be read on a terminal. */
export function variantsTable(timings: readonly VariantTiming[]): string {
  const rows = timings.map(({ model, precision, threads, work, ms, toFirst, cpuToFirst }) => [
    model,
    precision,
    threadsText(threads),
    work,
    spread(ms, 1),
    spread(toFirst, 2),
    spread(cpuToFirst, 2),
  ]);
  const head = ["model", "precision", "threads", "work", "ms", "÷ first model", "of processor time"];
  return ["medians (10 % … 90 %), batch 1", ...grid([head, ...rows])].join("\n");
}
