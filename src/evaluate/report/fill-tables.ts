import { appError } from "../../kernel/errors.ts";
import { methodKind } from "../methods/catalogue.ts";
import type { CellResult } from "../result.ts";
import { columns } from "./columns.ts";
import { driftTables } from "./drift-table.ts";
import { groupNamed, parseMarker, pick } from "./markers.ts";
import { type Group, groupsOf, inOrder } from "./summary.ts";
import { count, markdownTable, type Row, rowsOf, tableOf } from "./table.ts";

/** What a README has room for. */
const narrow = ["average accuracy", "forgetting", "prequential", "A_auc", "A_last", "state"];

const blocks = /^<!-- (results|alarms|methods)(?:: (.+?))? -->\n[\s\S]*?^<!-- end -->$/gm;

/**
 * Markdown with what stands between its markers made anew: `<!-- results: GROUP | columns: … | methods: … -->` a table of a
 * group's results, `<!-- alarms: GROUP GROUP | methods: … -->` what drift detectors noticed in groups, `<!-- methods -->` what the
 * methods in all of these tables are, up to `<!-- end -->`.
 * @throws AppError `evaluate/markdown` for a marker that the results cannot fill
 */
export function fillTables(markdown: string, results: readonly CellResult[]): string {
  const groups = groupsOf(results);
  const told = new Set<string>();
  const begun = markdown.match(/^<!-- (results|alarms|methods)\b/gm) ?? [];
  if (begun.length !== (markdown.match(blocks) ?? []).length) {
    throw appError("evaluate/markdown", "a marker of results, alarms or methods has no <!-- end -->");
  }
  const filled = markdown.replaceAll(blocks, (block, kind: string, text: string | undefined) => {
    if (kind === "methods") return block;
    const begin = block.slice(0, block.indexOf("\n") + 1);
    const { names, columns: titles, methods } = parseMarker(text ?? "");
    if (kind === "alarms") {
      const table = driftTables(names.map((name) => withMethods(groupNamed(groups, name), methods)));
      return `${begin}${markdownTable(table)}\n<!-- end -->`;
    }
    const group = groupNamed(groups, names.join(" "));
    const rows = pick(rowsOf(group), methods, { name: ({ name }) => name, where: group.name });
    const shown = pick(columns, titles ?? narrow, { name: ({ title }) => title, where: "a table" });
    for (const { method } of rows) told.add(method.method);
    return `${begin}${size(group, rows)}\n\n${markdownTable(tableOf(rows, shown))}\n<!-- end -->`;
  });
  return filled.replaceAll(blocks, (block, kind: string) =>
    kind === "methods" ? `<!-- methods -->\n${legend([...told])}\n<!-- end -->` : block,
  );
}

function withMethods(group: Group, names: readonly string[] | undefined): Group {
  return { ...group, methods: pick(group.methods, names, { name: ({ method }) => method, where: group.name }) };
}

/** How much of what was played: no table without it. */
function size({ cells }: Group, rows: readonly Row[]): string {
  const { spec, stream } = cells[0]!;
  const { perClass, labelShare, labels, labelDelay, heldOut } = spec;
  const tested = stream.tests.reduce((sum, { images }) => sum + images, 0);
  const seeds = [...new Set(rows.flatMap(({ method }) => method.cells.map((cell) => cell.spec.seed)))];
  const facts = [
    `\`${spec.scenario}\` on ${spec.model.name}${spec.protocol === "paper" ? ", 5 epochs a task" : ""}`,
    `${count(stream.frames)} frames of ${stream.classes} classes${perClass === null ? "" : ` (${perClass} of each)`}`,
    `${count(tested)} test images`,
    ...(spec.batch === 16 ? [] : [`batches of ${spec.batch}`]),
    ...(labelShare === 1 ? [] : [`${+(100 * labelShare).toFixed(2)} % of the labels${labels ? ` (${labels})` : ""}`]),
    ...(labelDelay === 0 ? [] : [`labels ${labelDelay} frames late`]),
    ...(heldOut === undefined ? [] : [`${heldOut} classes without labels`]),
    seeds.length === 1
      ? `seed ${seeds[0]}`
      : `mean ± deviation over seeds ${seeds.toSorted((a, b) => a - b).join(", ")}`,
  ];
  return `${facts.join("; ")}. Accuracies in %:`;
}

function legend(methods: readonly string[]): string {
  return inOrder(methods, (name) => name)
    .map((name) => `- \`${name}\`: ${methodKind(name).about}`)
    .join("\n");
}
