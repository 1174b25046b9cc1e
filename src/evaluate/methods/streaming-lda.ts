import type { StatisticsSettings } from "../../learner/settings.ts";
import { noOwnNumbers } from "../../learner/own-gaussians.ts";
import { gaussians, type StatisticsNumbers } from "../../learner/statistics.ts";
import { type ClosedForm, joinRows, type Saved, splitRows } from "./closed-form.ts";

/** One covariance for all (Hayes and Kanan 2020), never stale, with the ridge that the product has too. */
const settings: StatisticsSettings = { ridge: 30, drawMeans: false, classPrior: "uniform", ownCovariance: null };

/** The product's streaming LDA by itself, on q(x). */
export function streamingLda(width: number, saved?: Saved): ClosedForm {
  const head = gaussians(settings, width, saved && restored(saved));
  return {
    probabilistic: true,
    scores: (query) => head.scores(query),
    learn: (query, c) => head.learn(query, c),
    save: () => {
      const { counts, means, ridge, shared } = head.numbers();
      const { weights, inverse, degrees } = shared;
      return {
        arrays: {
          counts: { data: Int32Array.from(counts), shape: [counts.length] },
          means: joinRows(means, width),
          weights: joinRows(weights, width),
          inverse: { data: inverse?.slice() ?? new Float64Array(0), shape: [inverse?.length ?? 0] },
        },
        numbers: { degrees, ridge },
      };
    },
  };
}

function restored({ arrays, numbers }: Saved): StatisticsNumbers {
  const inverse = Float64Array.from(arrays["inverse"]!.data);
  return {
    counts: [...arrays["counts"]!.data],
    means: splitRows(arrays["means"]!),
    shared: {
      weights: splitRows(arrays["weights"]!),
      inverse: inverse.length > 0 ? inverse : undefined,
      degrees: numbers["degrees"]!,
    },
    ridge: numbers["ridge"]!,
    // Unused: means stay as they are.
    spread: 0,
    own: noOwnNumbers(),
  };
}
