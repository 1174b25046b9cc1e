import { appError } from "../../kernel/errors.ts";
import type { CellResult } from "../result.ts";
import { accuracyBars } from "./bars.ts";
import { type Colours, colours } from "./colours.ts";
import { percent } from "./columns.ts";
import { type Drawing, type Panel, pictureFile } from "./draw.ts";
import { anytimeLines, prequentialLines } from "./lines.ts";
import { groupNamed, parseMarker, pick } from "./markers.ts";
import { promptHistograms } from "./prompt-histograms.ts";
import { type Group, groupsOf, type MethodSummary } from "./summary.ts";

/** A file that a Markdown text shows. */
export interface Picture {
  /** As the text has it. */
  readonly path: string;
  readonly svg: string;
}

const kinds = new Map<string, (drawing: Drawing, group: Group, color: Colours) => string>([
  ["accuracy", accuracyBars],
  ["anytime", anytimeLines],
  ["prequential", prequentialLines],
]);

const markers = /^<!-- picture: (.+?) -->\n+!\[[^\]]*\]\(([^)\s]+)\)/gm;

/**
 * The pictures of a Markdown text, each an image below a marker `<!-- picture: KIND GROUP | methods: … -->`: KIND is
 * `accuracy`, `anytime`, `prequential`, or `prompts`, which may name several groups.
 * @throws AppError `evaluate/markdown` for a marker that the results cannot fill
 */
export function drawPictures(drawing: Drawing, markdown: string, results: readonly CellResult[]): Picture[] {
  const groups = groupsOf(results);
  const orders = [...markdown.matchAll(markers)].map(([marker, text, path]) => {
    const { names, methods } = parseMarker(text!);
    const [kind, ...groupNames] = names;
    if (groupNames.length === 0) throw appError("evaluate/markdown", `${marker} names no group`);
    const shown = groupNames.map((name) => withMethods(groupNamed(groups, name), methods));
    return { kind: kind!, groups: shown, path: path! };
  });
  if (orders.length !== (markdown.match(/^<!-- picture\b/gm) ?? []).length) {
    throw appError("evaluate/markdown", "below a marker of a picture there must be the image, ![text](path)");
  }
  const drawn = orders.flatMap(({ groups }) => groups.flatMap(({ methods }) => methods.map(({ method }) => method)));
  const color = colours([...new Set(drawn)]);
  return orders.map(({ kind, groups, path }) => {
    const note = kind === "prompts" ? promptNote : undefined;
    return { path, svg: pictureFile(panels(drawing, kind, groups, color), note) };
  });
}

function withMethods(group: Group, names: readonly string[] | undefined): Group {
  const methods = pick(group.methods, names, { name: ({ method }) => method, where: group.name });
  return { ...group, methods, cells: methods.flatMap(({ cells }) => cells) };
}

function panels(drawing: Drawing, kind: string, groups: readonly Group[], color: Colours): Panel[] {
  if (kind === "prompts") return promptPanels(drawing, groups);
  const draw = kinds.get(kind);
  if (draw !== undefined && groups.length === 1) return [{ svg: draw(drawing, groups[0]!, color) }];
  const known = [...kinds.keys()].join(", ");
  throw appError("evaluate/markdown", `a picture is of one group and ${known}, or of prompts: not of "${kind}"`);
}

function promptPanels(drawing: Drawing, groups: readonly Group[]): Panel[] {
  return promptPlots(drawing, groups).map(({ group, method, svg }) => ({
    title: `${group.cells[0]!.spec.scenario}, ${method.method}: sharing ${sharing(method)} %`,
    svg,
  }));
}

/** Of all methods with prompts. Similar tasks share prompts, diverse ones share fewer (L2P, section 5.4, figure 4). */
export function promptPlots(
  drawing: Drawing,
  groups: readonly Group[],
): { readonly group: Group; readonly method: MethodSummary; readonly svg: string }[] {
  const prompted = groups.flatMap((group) => group.methods.filter(hasPrompts).map((method) => ({ group, method })));
  const svgs = promptHistograms(
    drawing,
    prompted.map(({ method }) => method),
  );
  return prompted.map((shown, i) => ({ ...shown, svg: svgs[i]! }));
}

const promptNote =
  "One bar a prompt, in % of the task's selections (the first seed's). Sharing: how far two tasks' distributions overlap, in the mean over all pairs.";

function hasPrompts({ cells }: MethodSummary): boolean {
  return cells[0]!.promptUse !== null;
}

/** The mean overlap of two tasks' distributions over the prompts, in %. */
export function sharing({ spread }: MethodSummary): string {
  return percent(spread(({ metrics }) => metrics.promptSharing));
}
