import { groupBy } from "../group-by.ts";
import { methodKinds } from "../methods/catalogue.ts";
import { deviation, mean } from "../metrics.ts";
import { type CellResult, groupName, type Metrics } from "../result.ts";

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
    methods: [...groupBy(cells, ({ spec }) => spec.method)]
      .toSorted(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
      .map(([method, own]) => summary(method, own)),
  }));
}

/** `ranpac-1000` stands with `ranpac`. */
function place(method: string): number {
  const names = methodKinds.map(({ name }) => name);
  return names.indexOf(names.includes(method) ? method : method.split("-")[0]!);
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

/** A measured share in a table. */
export interface Column {
  readonly title: string;
  readonly of: (metrics: Metrics) => number | null;
}

export const columns: readonly Column[] = [
  { title: "average accuracy", of: (m) => m.averageAccuracy },
  { title: "forgetting", of: (m) => m.forgetting },
  { title: "BWT", of: (m) => m.backwardTransfer },
  { title: "A_auc", of: (m) => m.aAuc },
  { title: "A_last", of: (m) => m.aLast },
  { title: "prequential", of: (m) => m.prequential.overall },
  { title: "ECE", of: (m) => m.calibrationError },
  { title: "unknown AUROC", of: (m) => m.unknown?.areaUnderRoc ?? null },
];
