import type { Classes } from "./classes.ts";
import type { Combiner, Scores } from "./combine.ts";
import { argmax } from "./loss.ts";
import type { HeadName, Prediction } from "./types.ts";

/** Words what the heads say about one sample. */
export function predictionOf(
  classes: Classes,
  mixer: Pick<Combiner, "combine">,
  scores: Scores,
  about: Pick<Prediction, "promptIds" | "poolVersion" | "novelty"> & { readonly topLabels: number },
): Prediction {
  const { labels } = classes;
  const { promptIds, poolVersion, novelty, topLabels } = about;
  const probabilities = labels.length === 0 ? new Float64Array(0) : mixer.combine(scores);
  const top = Array.from(probabilities, (probability, c) => [labels[c]!, probability] as const)
    // Stable: of equal ones the label that was seen first.
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, topLabels);
  const [label, confidence] = top[0] ?? [null, 0];
  const says = (head: HeadName): string | null => labels[argmax(scores.get(head) ?? [])] ?? null;
  return {
    label,
    confidence,
    novelty,
    top,
    promptIds,
    poolVersion,
    heads: { prompted: says("prompted"), statistics: says("statistics") },
  };
}
