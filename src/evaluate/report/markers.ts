import { appError } from "../../kernel/errors.ts";
import type { CellResult } from "../result.ts";
import type { Group } from "./summary.ts";

/** What a marker `<!-- kind: names | columns: a, b | methods: c, d -->` says. */
export interface Marker {
  readonly names: readonly string[];
  readonly columns: readonly string[] | undefined;
  readonly methods: readonly string[] | undefined;
}

/** @throws AppError `evaluate/markdown` for an option that no marker has */
export function parseMarker(text: string): Marker {
  const [names = "", ...options] = text.split("|").map((part) => part.trim());
  const lists = new Map<string, string[]>();
  for (const option of options) {
    const [, key, list] = /^(columns|methods): *(.+)$/.exec(option) ?? [];
    if (key === undefined) throw appError("evaluate/markdown", `"${option}" in "${text}" names no columns or methods`);
    lists.set(
      key,
      list!.split(",").map((item) => item.trim()),
    );
  }
  return { names: names.split(/\s+/), columns: lists.get("columns"), methods: lists.get("methods") };
}

/** Those that are named, in that order; all where none are. @throws AppError `evaluate/markdown` for one that is not there */
export function pick<T>(
  items: readonly T[],
  names: readonly string[] | undefined,
  of: { readonly name: (item: T) => string; readonly where: string },
): T[] {
  if (names === undefined) return [...items];
  return names.map((name) => {
    const found = items.find((item) => of.name(item) === name);
    if (found !== undefined) return found;
    throw appError("evaluate/markdown", `${of.where} has no "${name}", only ${items.map(of.name).join(", ")}`);
  });
}

/** @throws AppError `evaluate/markdown` for no group of that name, or one whose cells saw different images and so do not compare */
export function groupNamed(groups: readonly Group[], name: string): Group {
  const [group] = pick(groups, [name], { name: (group) => group.name, where: "the results' folder" });
  const streams = new Map<number, string>();
  for (const { spec } of group!.cells) {
    const stream = streamOf(spec);
    if ((streams.get(spec.seed) ?? stream) !== stream) {
      throw appError(
        "evaluate/markdown",
        `${name}: ${spec.method} saw other images than the rest, of seed ${spec.seed}`,
      );
    }
    streams.set(spec.seed, stream);
  }
  return group!;
}

function streamOf({ images, model }: CellResult["spec"]): string {
  return `${images} ${model.id}`;
}
