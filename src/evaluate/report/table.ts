import { type Column, columns } from "./columns.ts";
import type { Group, MethodSummary } from "./summary.ts";

/** The texts of a table. */
export interface Texts {
  readonly head: string[];
  readonly rows: string[][];
}

/** A line of a table: a method, or one of its heads alone. */
export interface Row {
  /** `stream`, or `stream: prompted head` */
  readonly name: string;
  readonly method: MethodSummary;
  /** Of the column's text. */
  readonly text: (column: Column) => string;
}

/** All rows that a group has: a method's heads follow it, but for one that is all of the method. */
export function rowsOf({ methods }: Group): Row[] {
  return methods.flatMap((method) => {
    const heads = Object.keys(method.cells[0]!.metrics.heads);
    return [
      { name: method.method, method, text: (column: Column) => column.text(method) },
      ...(heads.length < 2 ? [] : heads).map((head) => ({
        name: `${method.method}: ${head} head`,
        method,
        text: (column: Column) => column.headText(method, head),
      })),
    ];
  });
}

export function tableOf(rows: readonly Row[], shown: readonly Column[] = columns): Texts {
  const seeds = Math.max(...rows.map(({ method }) => method.cells.length));
  return {
    head: ["method", ...shown.map(({ title }) => title)],
    rows: rows.map(({ name, method, text }) => [name + fewer(method, seeds), ...shown.map(text)]),
  };
}

/** A mean over fewer seeds than the others' is said to be one. */
function fewer({ cells }: MethodSummary, seeds: number): string {
  if (cells.length === seeds) return "";
  return cells.length === 1 ? " (1 seed)" : ` (${cells.length} seeds)`;
}

export function markdownTable({ head, rows }: Texts): string {
  const lines = [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** `12,000` */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}
