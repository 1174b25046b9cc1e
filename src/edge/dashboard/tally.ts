import { createConfusion, type ConfusionView } from "./confusion.ts";
import type { ShownLearned } from "./inputs.ts";

/** One point of the curve: labels learned so far, accuracy over all of them, and over the last ones. */
type Point = readonly [learned: number, overall: number, windowed: number];

interface Mark {
  /** Labels learned when it happened. */
  readonly at: number;
  readonly kind: "label" | "drift" | "phase" | "note";
  readonly text: string;
}

interface ClassRow {
  readonly label: string;
  /** Samples learned; of earlier runs too, once telemetry told. */
  count: number;
  /** Those of them that had been predicted before, and rightly so. */
  judged: number;
  right: number;
  /** Accuracy with fading memory (about the last ten), 0…1; null before one was judged. */
  recent: number | null;
  /** Newer than the newest telemetry. */
  fresh: boolean;
}

/** How many labels `windowed` looks back. */
export const windowLength: number = 50;

const maxPoints = 480;
const maxMarks = 120;
const maxClasses = 500;
const fading = 0.9;

/**
 * Counts right and wrong: prequential accuracy (predicted, then learned) since this process began, bounded.
 * As in telemetry, what was never predicted, corrections and replays are left out of the accuracy.
 */
export interface Tally {
  /** Labels learned; those left out of the accuracy count too. */
  readonly learned: number;
  readonly overall: number | null;
  readonly windowed: number | null;
  readonly points: readonly Point[];
  readonly marks: readonly Mark[];
  readonly classes: readonly Omit<ClassRow, "fresh">[];
  readonly confusion: ConfusionView;
  /** @returns whether this label was new. */
  add(learned: ShownLearned): boolean;
  mark(kind: Mark["kind"], text: string): void;
  /** What the learner knows: labels that were forgotten or renamed go, those of earlier runs come. */
  known(classCounts: Readonly<Record<string, number>>): void;
}

export function createTally(): Tally {
  const classes = new Map<string, ClassRow>();
  const confusion = createConfusion();
  const window: boolean[] = [];
  const marks: Mark[] = [];
  let points: Point[] = [];
  let stride = 1;
  let learned = 0;
  let judgedCount = 0;
  let right = 0;

  const windowed = (): number => window.filter(Boolean).length / window.length;

  function mark(kind: Mark["kind"], text: string): void {
    marks.push({ at: learned, kind, text });
    if (marks.length > maxMarks) marks.shift();
  }

  function count(label: string, judged: boolean | null): boolean {
    const row = classes.get(label) ?? emptyRow(label);
    const isNew = row.count === 0 && classes.size < maxClasses;
    row.fresh = true;
    row.count += 1;
    if (judged !== null) {
      const hit = judged ? 1 : 0;
      row.judged += 1;
      row.right += hit;
      row.recent = row.recent === null ? hit : fading * row.recent + (1 - fading) * hit;
    }
    if (isNew) classes.set(label, row);
    return isNew;
  }

  function judge(correct: boolean): void {
    judgedCount += 1;
    if (correct) right += 1;
    window.push(correct);
    if (window.length > windowLength) window.shift();
    addPoint();
  }

  function addPoint(): void {
    if (judgedCount % stride !== 0) return;
    points.push([learned, round(right / judgedCount), round(windowed())]);
    if (points.length <= maxPoints) return;
    // Half as fine from here on: the curve keeps its whole length in a bounded number of points.
    points = points.filter((_, i) => i % 2 === 1);
    stride *= 2;
  }

  return {
    get learned() {
      return learned;
    },
    get overall() {
      return judgedCount === 0 ? null : right / judgedCount;
    },
    get windowed() {
      return judgedCount === 0 ? null : windowed();
    },
    get points() {
      return points;
    },
    marks,
    get classes() {
      return [...classes.values()].map(({ label, count, judged, right, recent }) => {
        return { label, count, judged, right, recent };
      });
    },
    get confusion() {
      return confusion.view;
    },
    add({ label, predicted, correct, correction, replayed }) {
      learned += 1;
      const judged = correction || replayed ? null : correct;
      const isNew = count(label, judged);
      if (isNew) mark("label", label);
      if (judged !== null) judge(judged);
      if (judged !== null && predicted !== null) confusion.add(label, predicted);
      return isNew;
    },
    mark,
    known(classCounts) {
      for (const [label, row] of classes) {
        if (!Object.hasOwn(classCounts, label) && !row.fresh) classes.delete(label);
        row.fresh = false;
      }
      for (const [label, known] of Object.entries(classCounts)) {
        const row = classes.get(label) ?? emptyRow(label);
        row.count = Math.round(known);
        if (classes.size < maxClasses) classes.set(label, row);
      }
    },
  };
}

function emptyRow(label: string): ClassRow {
  return { label, count: 0, judged: 0, right: 0, recent: null, fresh: false };
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}
