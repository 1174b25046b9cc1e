/** A stretch of time: when it began (ms since the epoch), and how often each prompt was selected in it. */
interface Column {
  readonly at: number;
  readonly counts: readonly number[];
}

const maxColumns = 96;

export interface PromptHistory {
  readonly columns: readonly Column[];
  /** @param use How often each prompt was ever selected. */
  add(use: readonly number[], now: number): void;
}

/** Which prompts were used when: differences of what telemetry counts, half as fine whenever there are too many. */
export function createPromptHistory(): PromptHistory {
  let columns: Column[] = [];
  let before: readonly number[] | undefined;
  let toMerge = 1;
  let merged = 0;

  return {
    get columns() {
      return columns;
    },
    add(use, now) {
      const counts = use.map((count, id) => Math.max(0, count - (before?.[id] ?? 0)));
      const isFirst = before === undefined;
      before = [...use];
      // The first tells of all the time before.
      if (isFirst || counts.every((count) => count === 0)) return;
      const last = columns.at(-1);
      if (last !== undefined && merged < toMerge) {
        columns[columns.length - 1] = { at: last.at, counts: sum(last.counts, counts) };
      } else {
        columns.push({ at: now, counts });
        merged = 0;
      }
      merged += 1;
      if (columns.length < maxColumns) return;
      columns = columns.flatMap((column, i) => {
        const next = columns[i + 1];
        return i % 2 === 1 ? [] : [next ? { at: column.at, counts: sum(column.counts, next.counts) } : column];
      });
      merged += toMerge; // the last one, of two
      toMerge *= 2;
    },
  };
}

function sum(one: readonly number[], other: readonly number[]): readonly number[] {
  return one.map((count, i) => count + (other[i] ?? 0));
}
