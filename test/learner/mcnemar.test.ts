import { expect, test } from "vitest";
import { isRightMoreOften } from "../../src/learner/mcnemar.ts";

test.each([
  [0, 0, false],
  [1, 0, false],
  [2, 0, true],
  [5, 3, false],
  [6, 2, true],
  [3, 9, false],
  // Fading counts.
  [1.5, 0.1, true],
])("%d put right and %d put wrong: %s", (better, worse, expected) => {
  expect(isRightMoreOften(better, worse)).toBe(expected);
});
