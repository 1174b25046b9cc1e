import { groupBy } from "../group-by.ts";
import { methodKinds } from "../methods/catalogue.ts";
import { deviation, mean } from "../metrics.ts";
import { type CellResult, groupName } from "../result.ts";

/** Mean and sample deviation over seeds. */
export interface Spread {
  readonly mean: number;
  /** Null for one seed. */
  readonly deviation: number | null;
}

/** One method in one table: all of its seeds. */
export interface MethodSummary {
  readonly method: string;
  readonly cells: readonly CellResult[];
  /** Null where no cell has the number. */
  readonly spread: (of: (result: CellResult) => number | null) => Spread | null;
}

/** Cells that differ by method and seed only. */
export interface Group {
  readonly name: string;
  readonly cells: readonly CellResult[];
  readonly methods: readonly MethodSummary[];
}

/** Groups in the order in which they first come, methods in the catalogue's. */
export function groupsOf(results: readonly CellResult[]): Group[] {
  return [...groupBy(results, ({ spec }) => groupName(spec))].map(([name, cells]) => ({
    name,
    cells,
    methods: inOrder([...groupBy(cells, ({ spec }) => spec.method)], ([method]) => method).map(([method, own]) =>
      summary(method, own),
    ),
  }));
}

/** Methods as the catalogue has them; `ranpac-1000+tokens` stands with `ranpac+tokens`. */
export function inOrder<T>(items: readonly T[], name: (item: T) => string): T[] {
  const names = methodKinds.map((kind) => kind.name);
  const place = (method: string): number => {
    return names.indexOf(names.includes(method) ? method : method.replace(/-\d+/, ""));
  };
  return items.toSorted((a, b) => place(name(a)) - place(name(b)) || (name(a) < name(b) ? -1 : 1));
}

function summary(method: string, cells: readonly CellResult[]): MethodSummary {
  return {
    method,
    cells,
    spread: (of) => {
      const values = cells.map(of).filter((value) => value !== null);
      return values.length === 0 ? null : { mean: mean(values), deviation: deviation(values) };
    },
  };
}
