import type { CellResult } from "../result.ts";
import { driftTable } from "./drift-table.ts";
import { type Group, groupsOf } from "./summary.ts";
import { markdownTable, rowsOf, tableOf } from "./table.ts";

/** A Markdown table for each group of results; shares in percent, mean ± deviation over seeds. */
export function markdownTables(results: readonly CellResult[]): string {
  return groupsOf(results)
    .map((group) => [`${heading(group)}\n\n${markdownTable(tableOf(rowsOf(group)))}\n`, ...driftPart(group)].join("\n"))
    .join("\n");
}

function driftPart(group: Group): string[] {
  const drift = driftTable(group);
  return drift === undefined ? [] : [`${markdownTable(drift)}\n`];
}

function heading({ name, cells }: Group): string {
  const { frames, classes } = cells[0]!.stream;
  const seeds = new Set(cells.map(({ spec }) => spec.seed)).size;
  return `**${name}**: ${frames} frames, ${classes} classes, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
}
