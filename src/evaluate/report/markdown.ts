import type { CellResult } from "../result.ts";
import { driftTable, type Texts } from "./drift-table.ts";
import { columns, type Group, groupsOf, type MethodSummary, type Spread } from "./summary.ts";

/** A Markdown table for each group of results; shares in percent, mean ± deviation over seeds. */
export function markdownTables(results: readonly CellResult[]): string {
  return groupsOf(results)
    .map((group) => [`${heading(group)}\n\n${table(tableOf(group))}\n`, ...driftPart(group)].join("\n"))
    .join("\n");
}

function driftPart(group: Group): string[] {
  const drift = driftTable(group);
  return drift === undefined ? [] : [`${table(drift)}\n`];
}

function heading({ name, cells }: Group): string {
  const { frames, classes } = cells[0]!.stream;
  const seeds = new Set(cells.map(({ spec }) => spec.seed)).size;
  return `**${name}**: ${frames} frames, ${classes} classes, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
}

function table({ head, rows }: Texts): string {
  const lines = [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The texts of a group's table, a row a method, and one for each of its heads alone. */
export function tableOf({ methods }: Group): Texts {
  return {
    head: ["method", ...columns.map(({ title }) => title), "ms to learn", "ms to predict", "state"],
    rows: methods.flatMap((method) => [
      [
        method.method,
        ...columns.map(({ of }) => percent(method.spread(({ metrics }) => of(metrics)))),
        ...costs(method),
      ],
      ...headRows(method),
    ]),
  };
}

function headRows({ method, cells, spread }: MethodSummary): string[][] {
  const heads = Object.keys(cells[0]!.metrics.heads);
  if (heads.length < 2) return [];
  return heads.map((name) => {
    const of = (key: "averageAccuracy" | "prequential"): string =>
      percent(spread(({ metrics }) => metrics.heads[name]?.[key] ?? null));
    const shown = new Map([
      ["average accuracy", of("averageAccuracy")],
      ["prequential", of("prequential")],
    ]);
    return [`${method}: ${name} head`, ...columns.map(({ title }) => shown.get(title) ?? ""), "", "", ""];
  });
}

/** Milliseconds a sample, q(x) included where the method uses it, and bytes. */
function costs({ spread }: MethodSummary): string[] {
  const ms = (of: (result: CellResult) => number): string => {
    const time = spread((result) => of(result) + (result.cost.queryMs ?? 0))!.mean;
    return time < 10 ? time.toFixed(1) : time.toFixed(0);
  };
  const state = bytes(spread(({ cost }) => cost.stateBytes)!.mean);
  const buffer = spread(({ cost }) => cost.bufferBytes)!.mean;
  const images = spread(({ cost }) => cost.bufferImages)!.mean;
  const stored = images > 0 ? ` + ${images.toFixed(0)} images, ${bytes(buffer)}` : "";
  return [ms(({ cost }) => cost.learnMs), ms(({ cost }) => cost.predictMs), state + stored];
}

/** `71.3 ± 0.4` */
export function percent(spread: Spread | null): string {
  if (spread === null) return "–";
  const [centre, away] = [spread.mean, spread.deviation].map((x) => x !== null && (100 * x).toFixed(1));
  return away === false ? String(centre) : `${centre} ± ${away}`;
}

function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}
