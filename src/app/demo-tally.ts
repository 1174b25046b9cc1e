import type { LearnedMessage } from "../message/learned.ts";
import { type Score, score, type ScoreHistory, scoreHistory } from "./score-history.ts";

export interface PhaseScore extends Score {
  readonly phase: string;
  /** The first and the last third of the phase's labels: what it took to get used to it. */
  readonly firstThird: number | null;
  readonly lastThird: number | null;
}

export interface DemoScores extends Score {
  readonly secondHalf: Score;
  readonly phases: readonly PhaseScore[];
  /** The labels of the first phase, in all later ones: what was kept of the beginning. */
  readonly firstLabelsLater: Score;
}

/** Follows how right the predictions were, phase by phase; the last phase goes on for ever, so in bounded memory. */
export interface DemoTally {
  add(phase: string, learned: Pick<LearnedMessage, "label" | "correct" | "correction" | "replayed">): void;
  scores(): DemoScores;
}

export function demoTally(): DemoTally {
  const all = scoreHistory();
  const phases = new Map<string, ScoreHistory>();
  const firstLabels = new Set<string>();
  /** Of the phases after the first, by label. */
  const later = new Map<string, { labels: number; correct: number }>();

  return {
    add(phase, { label, correct, correction, replayed }) {
      // Only what was predicted before its label came tells anything.
      if (correct === null || correction || replayed) return;
      const history = phases.get(phase) ?? scoreHistory();
      phases.set(phase, history);
      all.add(correct);
      history.add(correct);
      if (phases.keys().next().value === phase) firstLabels.add(label);
      else {
        const before = later.get(label) ?? { labels: 0, correct: 0 };
        later.set(label, { labels: before.labels + 1, correct: before.correct + Number(correct) });
      }
    },
    scores() {
      const kept = [...later].filter(([label]) => firstLabels.has(label)).map(([, counts]) => counts);
      return {
        ...all.between(0, all.labels),
        secondHalf: all.between(Math.floor(all.labels / 2), all.labels),
        phases: [...phases].map(([phase, history]) => phaseScore(phase, history)),
        firstLabelsLater: score(
          kept.reduce((sum, { labels }) => sum + labels, 0),
          kept.reduce((sum, { correct }) => sum + correct, 0),
        ),
      };
    },
  };
}

function phaseScore(phase: string, history: ScoreHistory): PhaseScore {
  const { labels } = history;
  const third = Math.ceil(labels / 3);
  return {
    phase,
    ...history.between(0, labels),
    firstThird: history.between(0, third).accuracy,
    lastThird: history.between(labels - third, labels).accuracy,
  };
}
