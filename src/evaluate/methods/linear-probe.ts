import { globalNorm } from "../../distil/adamw.ts";
import { argmax, softmax } from "../../learner/loss.ts";
import { adamStep, grow, trained, type Trained } from "./class-weights.ts";
import type { Method, Said, Shown } from "./method.ts";

const learningRate = 1e-3;
const clipNorm = 1;

/** A linear softmax classifier on q(x), trained by Adam: one step a batch. */
export function linearProbe(width: number): Method {
  /** A row a class: D weights and a bias. */
  let rows: Trained = trained(new Float32Array(0));
  let labels: string[] = [];
  let steps = 0;
  const stride = width + 1;

  function probabilities({ query }: Shown, classes: number): Float64Array {
    const logits = Float64Array.from({ length: classes }, (_, c) => {
      let sum = rows.values[c * stride + width]!;
      for (let i = 0; i < width; i++) sum += rows.values[c * stride + i]! * query[i]!;
      return sum;
    });
    return softmax(logits);
  }

  function say(sample: Shown, classes: number): Said {
    if (classes === 0) return { label: null };
    const p = probabilities(sample, classes);
    const best = argmax(p);
    return { label: labels[best]!, confidence: p[best]! };
  }

  return {
    learn: (batch) => {
      const known = labels.length;
      const before = batch.map((sample) => say(sample, known));
      const fresh = [...new Set(batch.map(({ label }) => label))].filter((label) => !labels.includes(label));
      labels = [...labels, ...fresh];
      rows = grow(rows, fresh.length * stride);
      const gradient = new Float32Array(rows.values.length);
      for (const sample of batch) {
        const p = probabilities(sample, labels.length);
        p[labels.indexOf(sample.label)]! -= 1;
        p.forEach((error, c) => {
          for (let i = 0; i < width; i++) gradient[c * stride + i]! += (error * sample.query[i]!) / batch.length;
          gradient[c * stride + width]! += error / batch.length;
        });
      }
      const gradientScale = Math.min(1, clipNorm / (globalNorm(gradient) + 1e-12));
      adamStep(rows, gradient, { step: ++steps, learningRate, gradientScale });
      return Promise.resolve(before);
    },
    predict: (batch) => Promise.resolve(batch.map((sample) => say(sample, labels.length))),
    stateBytes: () => 3 * 4 * rows.values.length,
    save: () => ({
      arrays: Object.fromEntries(
        Object.entries({ rows: rows.values, first: rows.moments.first, second: rows.moments.second }).map(
          ([name, data]) => [name, { data: data.slice(), shape: [data.length] }],
        ),
      ),
      meta: { labels: [...labels], steps },
    }),
    restore: ({ arrays, meta }) => {
      const read = (name: string): Float32Array => Float32Array.from(arrays[name]!.data);
      rows = { values: read("rows"), moments: { first: read("first"), second: read("second") } };
      labels = [...(meta["labels"] as string[])];
      steps = meta["steps"] as number;
    },
  };
}
