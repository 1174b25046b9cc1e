import type { LabelledSample, Learned, Learner, LearnerState } from "../learner/types.ts";

/** When the learner goes back to an earlier state by itself. */
export interface RollbackSettings {
  readonly enabled: boolean;
  /** The state that it may go back to is so many labels old at least, and twice as many at most. */
  readonly windowLabels: number;
  /** Share of the labelled frames by which that state must be right more often, 0…1. */
  readonly margin: number;
  /** Labels that pass on average, at least, before an earlier state is taken that is not better by the margin, ≥ 1. */
  readonly labelsPerMistake: number;
}

/** Compares the learner with what it was a while ago, on the same labelled frames. */
export interface RollbackGuard {
  /**
   * In the learner's turn, after a batch was learned: each sample with what was said of it before.
   * @returns whether the learner was put back
   */
  judge(batch: readonly { readonly sample: LabelledSample; readonly learned: Learned }[]): Promise<boolean>;
  /** Nothing that was kept may come back. */
  forget(): void;
}

export interface RollbackGuardOptions {
  readonly settings: RollbackSettings;
  readonly learner: Pick<Learner, "save" | "restore">;
  /** Makes a learner like the one that is guarded; it never learns. */
  readonly shadow: () => Pick<Learner, "restore" | "predictOne">;
}

export const defaultRollbackSettings: RollbackSettings = {
  enabled: false,
  windowLabels: 300,
  margin: 0.05,
  labelsPerMistake: 100_000,
};

export const noGuard: RollbackGuard = { judge: () => Promise.resolve(false), forget: () => {} };

/** Stakes of the bets, as shares of the capital; one of them is near the best for whatever the advantage is. */
const stakes = [0.1, 0.2, 0.4, 0.8] as const;
const begin = (): number[] => stakes.map(() => 1);

/**
 * A shadow with the state of `windowLabels` to twice as many labels ago predicts what the learner predicts, and both are
 * judged by the same labels. A world that changed makes both worse, and what learned of it less so: no reason to go back.
 * Only where the shadow is right more often, by the margin and beyond chance, was the learning since then to its harm (a run
 * of wrong labels, a rate too high), and the learner takes the shadow's state.
 *
 * The proof is a bet (Shafer 2021; Waudby-Smith and Ramdas 2024): with d = shadow right − learner right, a capital that is
 * multiplied by 1 + stake·(d − margin) does not grow on average while the shadow is better by no more than the margin. It
 * begins anew wherever it fell below 1 (e-CUSUM; Shin, Ramdas and Rinaldo 2024), so that what was lost while wrong labels
 * came need not be won back; it then reaches the threshold once in so many labels at most, however often it is looked at.
 *
 * A run of wrong labels shorter than `windowLabels` is always younger than the shadow; a longer one becomes the new
 * truth. While it lasts the learner agrees with it, so it is undone when right labels come again. After going back,
 * `windowLabels` labels pass before there is a shadow again. No sample is kept, and nothing of this over a restart.
 */
export function rollbackGuard({ settings, learner, shadow }: RollbackGuardOptions): RollbackGuard {
  const { windowLabels, margin, labelsPerMistake } = settings;
  const rival = shadow();
  let hasRival = false;
  let next: LearnerState | undefined;
  let current: LearnerState | undefined;
  let labels = 0;
  let capital = begin();

  function forget(): void {
    [hasRival, next, current, labels] = [false, undefined, undefined, 0];
    capital = begin();
  }

  /** The younger of the two kept states becomes the shadow, what is now the younger. */
  function moveOn(): void {
    if (next !== undefined) {
      rival.restore(next);
      current = next;
      hasRival = true;
    }
    next = learner.save();
    labels = 0;
    capital = begin();
  }

  return {
    async judge(batch) {
      for (const { sample, learned } of hasRival ? batch : []) {
        const { label } = await rival.predictOne(sample);
        const difference = Number(label === sample.label) - Number(learned.before.label === sample.label);
        capital = capital.map((money, i) => Math.max(1, money) * (1 + stakes[i]! * (difference - margin)));
      }
      labels += batch.length;
      if (capital.reduce((a, b) => a + b, 0) / stakes.length >= labelsPerMistake) {
        learner.restore(current!);
        forget();
        return true;
      }
      if (next === undefined || labels >= windowLabels) moveOn();
      return false;
    },
    forget,
  };
}
