import type { LearnerState, StateArray } from "../../kernel/state.ts";
import { argmax, softmax } from "../../learner/loss.ts";
import type { Method, Said, Shown } from "./method.ts";

/** A classifier of queries that learns a sample at once and for good; class ids are the order in which labels came. */
export interface ClosedForm {
  /** One number a class, the largest for the likeliest, [C]. */
  scores(query: Float32Array): Float64Array;
  /** c = C adds a class. */
  learn(query: Float32Array, c: number): void;
  /** Whether the scores are log posteriors up to a constant. */
  readonly probabilistic: boolean;
  /** All that it knows, copied. */
  save(): { readonly arrays: Readonly<Record<string, StateArray>>; readonly numbers: Readonly<Record<string, number>> };
}

export type Saved = ReturnType<ClosedForm["save"]>;

/**
 * @param features What it learns from, of a query [F].
 * @param create An empty one, or one that goes on from what was saved.
 */
export function closedFormMethod(
  features: (query: Float32Array) => Float32Array,
  create: (saved?: Saved) => ClosedForm,
): Method {
  let head = create();
  let labels: string[] = [];

  function say({ query }: Shown): Said {
    if (labels.length === 0) return { label: null };
    const scores = head.scores(features(query));
    const best = argmax(scores);
    const label = labels[best]!;
    return head.probabilistic ? { label, confidence: softmax(scores)[best]! } : { label };
  }

  return {
    learn: (batch) => {
      const before = batch.map(say);
      for (const { query, label } of batch) {
        if (!labels.includes(label)) labels.push(label);
        head.learn(features(query), labels.indexOf(label));
      }
      return Promise.resolve(before);
    },
    predict: (batch) => Promise.resolve(batch.map(say)),
    stateBytes: () => bytesIn(head.save().arrays),
    save: () => {
      const { arrays, numbers } = head.save();
      return { arrays, meta: { labels: [...labels], numbers } };
    },
    restore: ({ arrays, meta }) => {
      labels = [...(meta["labels"] as string[])];
      head = create({ arrays, numbers: meta["numbers"] as Record<string, number> });
    },
  };
}

export function bytesIn(arrays: LearnerState["arrays"]): number {
  return Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Equal rows as one array [rows, width]. */
export function joinRows(rows: readonly Float64Array[], width: number): StateArray {
  const data = new Float64Array(rows.length * width);
  rows.forEach((row, i) => data.set(row, i * width));
  return { data, shape: [rows.length, width] };
}

/** The other way round; rows are copies. */
export function splitRows({ data, shape }: StateArray): Float64Array[] {
  const width = shape[1]!;
  return Array.from({ length: shape[0]! }, (_, i) => Float64Array.from(data.subarray(i * width, (i + 1) * width)));
}
