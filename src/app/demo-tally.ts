import type { LearnedMessage } from "../message/learned.ts";

/** Labels that came for predicted frames, and how many of those predictions were right. */
export interface Score {
  readonly labels: number;
  readonly correct: number;
  /** correct ÷ labels, 0…1; null for none. */
  readonly accuracy: number | null;
}

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

/** Follows how right the predictions were, phase by phase. */
export interface DemoTally {
  add(phase: string, learned: Pick<LearnedMessage, "label" | "correct" | "correction" | "replayed">): void;
  scores(): DemoScores;
}

interface Entry {
  readonly phase: string;
  readonly label: string;
  readonly correct: boolean;
}

export function demoTally(): DemoTally {
  const entries: Entry[] = [];
  return {
    add(phase, { label, correct, correction, replayed }) {
      // Only what was predicted before its label came tells anything.
      if (correct !== null && !correction && !replayed) entries.push({ phase, label, correct });
    },
    scores() {
      const names = [...new Set(entries.map(({ phase }) => phase))];
      const first = new Set(entries.filter(({ phase }) => phase === names[0]).map(({ label }) => label));
      return {
        ...score(entries),
        secondHalf: score(entries.slice(Math.floor(entries.length / 2))),
        phases: names.map((phase) => phaseScore(phase, entries)),
        firstLabelsLater: score(entries.filter(({ phase, label }) => phase !== names[0] && first.has(label))),
      };
    },
  };
}

function phaseScore(phase: string, all: readonly Entry[]): PhaseScore {
  const entries = all.filter((entry) => entry.phase === phase);
  const third = Math.ceil(entries.length / 3);
  return {
    phase,
    ...score(entries),
    firstThird: score(entries.slice(0, third)).accuracy,
    lastThird: score(entries.slice(-third)).accuracy,
  };
}

function score(entries: readonly Entry[]): Score {
  const correct = entries.filter((entry) => entry.correct).length;
  return { labels: entries.length, correct, accuracy: entries.length === 0 ? null : correct / entries.length };
}
