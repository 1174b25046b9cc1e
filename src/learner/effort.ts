import { z } from "zod";
import { isRightMoreOften } from "./mcnemar.ts";
import type { LearnerSettings } from "./settings.ts";

/** Whether the prompts work, and what is known of their worth. JSON. */
export interface Effort {
  readonly resting: boolean;
  /** Labels judged in the trial that runs, and of them those that the prompted head put right, and wrong. */
  readonly judged: number;
  readonly better: number;
  readonly worse: number;
  /** Labels learned since they rest. */
  readonly rested: number;
  /** Whether the batch before was learned with more plasticity than usual. */
  readonly plastic: boolean;
}

/** From a saved state. */
export const effortSchema: z.ZodType<Effort> = z.object({
  resting: z.boolean(),
  judged: z.int().min(0),
  better: z.int().min(0),
  worse: z.int().min(0),
  rested: z.int().min(0),
  plastic: z.boolean(),
});

export const freshEffort: Effort = { resting: false, judged: 0, better: 0, worse: 0, rested: 0, plastic: false };

/** What the combination and the statistics head alone said of one label, before it was learned. */
export interface Verdict {
  readonly combined: boolean;
  readonly alone: boolean;
}

/**
 * Prompts are worth their two extra passes a frame and their gradient steps where they adapt what the frozen features lack,
 * and nowhere else. So they are on trial: when after `trialLabels` labels the combination was not clearly right more often than the
 * statistics head alone (`isRightMoreOften`), they rest: nothing is computed with them. They are tried again when the stream drifts (`plasticity` rises), and after `restLabels` labels.
 * @param verdicts On the batch's labels; none while they rest.
 * @param labels How many the batch had.
 */
export function afterBatch(
  { heads, effort: rule }: Pick<LearnerSettings, "heads" | "effort">,
  effort: Effort,
  verdicts: readonly Verdict[],
  labels: number,
  plasticity: number,
): Effort {
  if (rule === null || heads.length < 2) return effort;
  const plastic = plasticity > 1;
  if (effort.resting) {
    const rested = effort.rested + labels;
    const wakes = (plastic && !effort.plastic) || rested >= rule.restLabels;
    return wakes ? { ...freshEffort, plastic } : { ...effort, rested, plastic };
  }
  const judged = effort.judged + verdicts.length;
  const better = effort.better + verdicts.filter(({ combined, alone }) => combined && !alone).length;
  const worse = effort.worse + verdicts.filter(({ combined, alone }) => alone && !combined).length;
  if (judged < rule.trialLabels) return { ...effort, judged, better, worse, plastic };
  return { ...freshEffort, resting: !isRightMoreOften(better, worse), plastic };
}
