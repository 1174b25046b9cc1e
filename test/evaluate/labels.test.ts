import fc from "fast-check";
import { expect, it } from "vitest";
import { apart } from "../../src/evaluate/report/labels.ts";

const bounds = { low: 0, high: 100 };

it("labels stay where they are wanted when there is room, and share what there is not", () => {
  expect(apart([50, 10, 90], 5, bounds)).toEqual([50, 10, 90]);
  expect(apart([50, 50], 4, bounds)).toEqual([48, 52]);
  expect(apart([100, 99], 4, bounds)).toEqual([100, 96]);
  expect(apart([0, 0], 4, bounds)).toEqual([0, 4]);
  expect(apart([], 4, bounds)).toEqual([]);
});

it("labels keep their order, their distance and the bounds", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 20 }), (wanted) => {
      const places = apart(wanted, 5, bounds);
      const order = wanted.map((_, i) => i).toSorted((a, b) => wanted[a]! - wanted[b]!);
      const sorted = order.map((i) => places[i]!);
      const gaps = sorted.slice(1).map((place, i) => place - sorted[i]!);
      expect(Math.min(5, ...gaps)).toBeGreaterThanOrEqual(5 - 1e-9);
      expect(Math.min(0, ...sorted)).toBeGreaterThanOrEqual(-1e-9);
      expect(Math.max(100, ...sorted)).toBeLessThanOrEqual(100 + 1e-9);
    }),
  );
});
