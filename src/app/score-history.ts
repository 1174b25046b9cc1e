/** Labels that came for predicted frames, and how many of those predictions were right. */
export interface Score {
  readonly labels: number;
  readonly correct: number;
  /** correct ÷ labels, 0…1; null for none. */
  readonly accuracy: number | null;
}

/** Which predictions were right, in the order of their labels: in a fixed amount of memory, however many there are. */
export interface ScoreHistory {
  add(correct: boolean): void;
  readonly labels: number;
  /**
   * Of labels `from` (from 0) to `to` (exclusive). Exact up to `maxBlocks` labels; of more, both ends move to the nearest
   * block, so by at most one part in `maxBlocks` of all.
   */
  between(from: number, to: number): Score;
}

export function score(labels: number, correct: number): Score {
  return { labels, correct, accuracy: labels === 0 ? null : correct / labels };
}

/** @param maxBlocks Even. */
export function scoreHistory(maxBlocks: number = 512): ScoreHistory {
  /** Right ones of each `width` labels in a row; the last block may hold fewer labels. */
  let blocks: number[] = [];
  let width = 1;
  let labels = 0;

  function boundary(index: number): number {
    return index >= labels ? blocks.length : Math.round(index / width);
  }

  return {
    add(correct) {
      if (labels === maxBlocks * width) {
        blocks = Array.from({ length: maxBlocks / 2 }, (_, i) => blocks[2 * i]! + blocks[2 * i + 1]!);
        width *= 2;
      }
      const block = Math.floor(labels / width);
      blocks[block] = (blocks[block] ?? 0) + Number(correct);
      labels += 1;
    },
    get labels() {
      return labels;
    },
    between(from, to) {
      const [first, end] = [boundary(from), boundary(to)];
      const correct = blocks.slice(first, end).reduce((sum, count) => sum + count, 0);
      return score(Math.max(0, Math.min(end * width, labels) - first * width), correct);
    },
  };
}
