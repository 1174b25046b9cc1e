import type { CellResult } from "../result.ts";
import { accuracyBars } from "./bars.ts";
import { type Colours, colours } from "./colours.ts";
import { type Drawing, escapeXml, openDrawing } from "./draw.ts";
import { driftTable } from "./drift-table.ts";
import { anytimeLines, prequentialLines } from "./lines.ts";
import { promptPlots, sharing } from "./pictures.ts";
import { type Group, groupsOf } from "./summary.ts";
import { rowsOf, tableOf, type Texts } from "./table.ts";

/**
 * One HTML page with tables and pictures of all results; it needs nothing else and runs no script.
 * @throws AppError `evaluate/no-plot`
 */
export async function reportPage(results: readonly CellResult[]): Promise<string> {
  const drawing = await openDrawing();
  const groups = groupsOf(results);
  const color = colours([...new Set(groups.flatMap(({ methods }) => methods.map(({ method }) => method)))]);
  const sections = groups.map((group) => groupSection(drawing, group, color));
  return (
    `<!doctype html>\n<html lang="en"><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>l2p-edge: evaluation</title>` +
    `<style>${style}</style><main><h1>Evaluation</h1>${sections.join("")}${promptSection(drawing, groups)}</main></html>\n`
  );
}

function groupSection(drawing: Drawing, group: Group, color: Colours): string {
  const { stream, spec } = group.cells[0]!;
  const seeds = [...new Set(group.cells.map((cell) => cell.spec.seed))].join(", ");
  return (
    `<section><h2>${escapeXml(group.name)}</h2>` +
    `<p>${stream.frames} frames of ${stream.classes} classes, batches of ${spec.batch}; seeds ${seeds}.</p>` +
    figure(accuracyBars(drawing, group, color), "At the end of the stream; lines show the deviation over seeds.") +
    figure(anytimeLines(drawing, group, color), "On test images of the classes seen so far. Dashed: a segment ends.") +
    figure(prequentialLines(drawing, group, color), "Each frame is predicted before its label is learned.") +
    `<details><summary>Numbers</summary>${table(tableOf(rowsOf(group)))}${driftPart(group)}</details></section>`
  );
}

function promptSection(drawing: Drawing, groups: readonly Group[]): string {
  const plots = promptPlots(drawing, groups);
  if (plots.length === 0) return "";
  const figures = plots.map(({ group, method, svg }) =>
    figure(
      svg,
      `<b>${escapeXml(group.name)}, ${escapeXml(method.method)}</b>: sharing ${sharing(method)} %, ` +
        `the mean overlap of two tasks' distributions. One bar a prompt, in % of the task's selections${method.cells.length > 1 ? "; the first seed is drawn" : ""}.`,
    ),
  );
  return `<section><h2>Which prompts the tasks select</h2>${figures.join("")}</section>`;
}

function driftPart(group: Group): string {
  const drift = driftTable(group);
  return drift === undefined ? "" : table(drift);
}

function table({ head, rows }: Texts): string {
  const titles = head.map((title) => `<th>${title}</th>`).join("");
  const body = rows.map(([method, ...cells]) => {
    return `<tr><th scope="row">${escapeXml(method!)}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${titles}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function figure(svg: string, caption: string): string {
  return `<figure><div class="wide">${svg}</div><figcaption>${caption}</figcaption></figure>`;
}

const style = `
:root { color-scheme: light dark; --page: #fbfbfa; --ink: #1d2126; --muted: #667080; --line: #dfe2e6; --plot-background: var(--page); }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --ink: #e6e8eb; --muted: #98a2b0; --line: #2d333b; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1, h2 { line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin-top: 3rem; padding-top: 1.5rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; font-size: 1.3rem; }
p, figcaption, summary { color: var(--muted); }
figure { margin: 1.5rem 0; }
figcaption { font-size: 0.9rem; }
.wide { overflow-x: auto; }
figure svg { display: block; --plot-background: var(--page); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.8rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; }
`;
