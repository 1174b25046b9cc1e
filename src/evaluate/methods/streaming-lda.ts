import type { StatisticsSettings } from "../../learner/settings.ts";
import { emptyStatistics, gaussians, type StatisticsNumbers } from "../../learner/statistics.ts";
import { type ClosedForm, joinRows, type Saved, splitRows } from "./closed-form.ts";

/** As Hayes and Kanan (2020) publish it: shrinkage 1e-4; the covariance solved again when it grew by a tenth. */
const settings: StatisticsSettings = {
  shrinkage: 1e-4,
  classPrior: "uniform",
  refitGrowth: 0.1,
  ownCovariance: null,
};

/** The product's streaming LDA by itself. */
export function streamingLda(width: number, saved?: Saved): ClosedForm {
  const head = gaussians(settings, width, saved ? restored(saved) : emptyStatistics(width));
  return {
    probabilistic: true,
    scores: (query) => head.scores(query),
    learn: (query, c) => head.learn(query, c),
    save: () => {
      const { counts, means, scatter, factor, deviation, schedule } = head.numbers();
      return {
        arrays: {
          counts: { data: Int32Array.from(counts), shape: [counts.length] },
          means: joinRows(means, width),
          scatter: { data: scatter.sums.slice(), shape: [scatter.sums.length] },
          factor: { data: factor?.slice() ?? new Float64Array(0), shape: [factor?.length ?? 0] },
        },
        numbers: {
          degrees: scatter.degrees,
          deviationSum: deviation.sum,
          deviationDegrees: deviation.degrees,
          learned: schedule.learned,
          next: schedule.next,
        },
      };
    },
  };
}

function restored({ arrays, numbers }: Saved): StatisticsNumbers {
  const factor = Float64Array.from(arrays["factor"]!.data);
  return {
    counts: [...arrays["counts"]!.data],
    means: splitRows(arrays["means"]!),
    own: [],
    scatter: { sums: Float64Array.from(arrays["scatter"]!.data), degrees: numbers["degrees"]! },
    factor: factor.length > 0 ? factor : undefined,
    deviation: { sum: numbers["deviationSum"]!, degrees: numbers["deviationDegrees"]! },
    schedule: { learned: numbers["learned"]!, next: numbers["next"]! },
  };
}
