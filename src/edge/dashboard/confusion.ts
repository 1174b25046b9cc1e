/** Labels and what was predicted for them: `rows[i][j]` times label i was said to be label j. */
export interface ConfusionView {
  readonly labels: readonly string[];
  readonly rows: readonly (readonly number[])[];
  /** Labels that have no row of their own here. */
  readonly left: number;
}

const maxPairs = 4000;
/** More is no table that one reads. */
const maxShown = 16;

export interface Confusion {
  readonly view: ConfusionView;
  add(label: string, predicted: string): void;
}

/** Counts pairs of label and prediction; shows the labels that came most often, in the order in which they came first. */
export function createConfusion(): Confusion {
  const counts = new Map<string, Map<string, number>>();
  let pairs = 0;

  const total = (label: string): number => [...counts.get(label)!.values()].reduce((a, b) => a + b, 0);

  return {
    get view() {
      const all = [...counts.keys()];
      const most = new Set(all.toSorted((a, b) => total(b) - total(a)).slice(0, maxShown));
      const labels = all.filter((label) => most.has(label));
      const rows = labels.map((label) => labels.map((predicted) => counts.get(label)!.get(predicted) ?? 0));
      return { labels, rows, left: all.length - labels.length };
    },
    add(label, predicted) {
      const row = counts.get(label) ?? new Map<string, number>();
      if (!row.has(predicted)) {
        if (pairs >= maxPairs) return;
        pairs += 1;
      }
      counts.set(label, row);
      row.set(predicted, (row.get(predicted) ?? 0) + 1);
    },
  };
}
