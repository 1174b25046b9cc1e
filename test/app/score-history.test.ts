import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scoreHistory } from "../../src/app/score-history.ts";

function historyOf(answers: readonly boolean[], maxBlocks?: number): ReturnType<typeof scoreHistory> {
  const history = scoreHistory(maxBlocks);
  for (const correct of answers) history.add(correct);
  return history;
}

describe("scoreHistory", () => {
  it("has nothing to say of nothing", () => {
    expect(scoreHistory().between(0, 0)).toEqual({ labels: 0, correct: 0, accuracy: null });
  });

  it("is exact while there are few", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 512 }), fc.nat(512), fc.nat(512), (answers, a, b) => {
        const [from, to] = [Math.min(a, b, answers.length), Math.min(Math.max(a, b), answers.length)];
        const part = answers.slice(from, to);
        const correct = part.filter(Boolean).length;
        expect(historyOf(answers).between(from, to)).toMatchObject({ labels: part.length, correct });
      }),
    );
  });

  it("keeps blocks of as many as it must, and answers by whole blocks", () => {
    // 9 answers in at most 4 blocks: of 4 each, the last with one.
    const history = historyOf([true, false, false, false, true, true, true, true, true], 4);
    expect(history.labels).toBe(9);
    expect(history.between(0, 9)).toEqual({ labels: 9, correct: 6, accuracy: 6 / 9 });
    expect(history.between(5, 9)).toEqual({ labels: 5, correct: 5, accuracy: 1 });
    expect(history.between(0, 3)).toEqual({ labels: 4, correct: 1, accuracy: 0.25 });
  });

  it("is off by at most one part in maxBlocks at each end, and never in all", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 400 }), fc.nat(400), (answers, n) => {
        const history = historyOf(answers, 16);
        const from = Math.min(n, answers.length);
        const { labels } = history.between(from, answers.length);
        // A block is less than twice what 16 of them need.
        expect(Math.abs(labels - (answers.length - from))).toBeLessThanOrEqual(answers.length / 16);
        expect(history.between(0, answers.length).correct).toBe(answers.filter(Boolean).length);
      }),
    );
  });
});
