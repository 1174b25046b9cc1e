import { type ClosedForm, joinRows, type Saved, splitRows } from "./closed-form.ts";

/** Nearest class mean by cosine. */
export function nearestMean(width: number, saved?: Saved): ClosedForm {
  const sums = saved ? splitRows(saved.arrays["sums"]!) : [];
  return {
    probabilistic: false,
    // A sum points where its mean points.
    scores: (query) => Float64Array.from(sums, (sum) => cosine(sum, query)),
    learn: (query, c) => {
      const sum = (sums[c] ??= new Float64Array(width));
      for (let i = 0; i < width; i++) sum[i]! += query[i]!;
    },
    save: () => ({ arrays: { sums: joinRows(sums, width) }, numbers: {} }),
  };
}

function cosine(a: Float64Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(Math.max(aa * bb, Number.MIN_VALUE));
}
