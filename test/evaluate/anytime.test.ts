import { expect, it } from "vitest";
import { anytimeArea } from "../../src/evaluate/report/anytime.ts";
import { cellResult } from "../support/cell-result.ts";

const whole = cellResult({ metrics: { aAuc: 0.123 } });
const [middle, end] = whole.points;

it("A_auc is the result's where the stream was tested at several stops", () => {
  expect(anytimeArea(whole)).toBe(0.123);
});

it("A_auc comes from the segments' ends where these are stops at equal distances", () => {
  // 0.9 and 0.6
  expect(anytimeArea({ ...whole, points: [{ ...middle!, stop: false }, end!] })).toBe(0.75);
});

it("A_auc is not told where a cell was tested at its end alone, or at ends of unlike segments", () => {
  expect(anytimeArea({ ...whole, points: [end!] })).toBeNull();
  expect(anytimeArea({ ...whole, points: [{ ...middle!, after: 25, stop: false }, end!] })).toBeNull();
});
