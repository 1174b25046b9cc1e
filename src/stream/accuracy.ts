import type { HeadName, Prediction } from "../learner/types.ts";
import type { Accuracies, Accuracy } from "../message/telemetry.ts";
import type { StreamSettings } from "./settings.ts";

type Judge = "combined" | HeadName;
const judges: readonly Judge[] = ["combined", "prompted", "statistics"];

/** What a checkpoint keeps of it. */
export interface AccuracyState {
  readonly samples: number;
  /** N of the fading accuracy. */
  readonly fadingCount: number;
  readonly judges: Readonly<Record<Judge, Judged>>;
}

interface Judged {
  readonly hits: number;
  readonly fadingHits: number;
  readonly recent: string;
  /** Of the labels that it said something about; absent where that was all of them. */
  readonly samples?: number | undefined;
  readonly fadingCount?: number | undefined;
}

/** Prequential accuracy of each head and of the combination: over all, over a window, and fading (S = hit + αS, N = 1 + αN). */
export interface PrequentialAccuracy {
  /** @param before What was predicted just before `label` was learned. */
  add(before: Prediction, label: string): void;
  read(): Accuracies;
  save(): AccuracyState;
}

export function prequentialAccuracy(
  settings: Pick<StreamSettings, "accuracyWindow" | "accuracyFading">,
  saved?: AccuracyState,
): PrequentialAccuracy {
  let samples = saved?.samples ?? 0;
  let fadingCount = saved?.fadingCount ?? 0;
  const of = new Map(
    judges.map((judge) => {
      const from = saved?.judges[judge] ?? { hits: 0, fadingHits: 0, recent: "" };
      return [judge, { ...from, samples: from.samples ?? samples, fadingCount: from.fadingCount ?? fadingCount }];
    }),
  );

  function count(judge: Judge, said: string | null, label: string): void {
    const sums = of.get(judge)!;
    const hit = said === label ? 1 : 0;
    sums.samples += 1;
    sums.fadingCount = 1 + settings.accuracyFading * sums.fadingCount;
    sums.hits += hit;
    sums.fadingHits = hit + settings.accuracyFading * sums.fadingHits;
    sums.recent = (sums.recent + hit).slice(-settings.accuracyWindow);
  }

  function read(judge: Judge): Accuracy {
    const { hits, fadingHits, recent, samples: judged, fadingCount: judgedFading } = of.get(judge)!;
    if (judged === 0) return { overall: null, windowed: null, fading: null };
    const windowed = recent.replaceAll("0", "").length / recent.length;
    return { overall: hits / judged, windowed, fading: fadingHits / judgedFading };
  }

  return {
    add(before, label) {
      samples += 1;
      fadingCount = 1 + settings.accuracyFading * fadingCount;
      count("combined", before.label, label);
      for (const head of ["prompted", "statistics"] as const) {
        // A head whose prompts rest said nothing, and is not judged by it.
        if (before.heads[head] !== null || before.label === null) count(head, before.heads[head], label);
      }
    },
    read: () => ({
      samples,
      combined: read("combined"),
      prompted: read("prompted"),
      statistics: read("statistics"),
    }),
    save: () => {
      const [combined, prompted, statistics] = judges.map((judge) => ({ ...of.get(judge)! }));
      return { samples, fadingCount, judges: { combined: combined!, prompted: prompted!, statistics: statistics! } };
    },
  };
}
