import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../../src/kernel/rng.ts";
import { pageHinkley, pageHinkleyDefaults } from "../../../src/learner/drift/page-hinkley.ts";
import { changesAt, coinFlips, digitsOf } from "../../support/changes.ts";
import { apart, doctest, twoRanges } from "../../support/river-streams.ts";

describe("River's numbers", () => {
  it.each([
    ["the doctest", doctest, [1006]],
    ["test_page_hinkley", twoRanges, [1020, 1991]],
    ["the earlier doctest", apart, [1009]],
  ])("%s", (_, digits, expected) => {
    expect(changesAt(pageHinkley(pageHinkleyDefaults), digitsOf(digits))).toEqual(expected);
  });
});

describe("its promises", () => {
  const eager = { ...pageHinkleyDefaults, threshold: 5 };

  it("a constant stream has no change", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        expect(
          changesAt(
            pageHinkley(eager),
            Array.from({ length: 500 }, () => value),
          ),
        ).toEqual([]);
      }),
    );
  });

  it("no change is told before there are enough values", () => {
    const ones = Array.from({ length: 40 }, (_, i) => 100 * i);
    expect(changesAt(pageHinkley({ ...eager, minSamples: 30 }), ones)[0]).toBe(28);
  });

  it("tells a rise and not a fall, a greater rise sooner", () => {
    const delays = [0.4, 0.9].map((after) => {
      const rng = createRng(5);
      const found = changesAt(pageHinkley({ ...eager, threshold: 15 }), [
        ...coinFlips(rng, 1000, 0.1),
        ...coinFlips(rng, 500, after),
      ]);
      return found[0]! - 1000;
    });
    expect(delays[1]).toBeGreaterThanOrEqual(0);
    expect(delays[1]).toBeLessThan(delays[0]!);
    expect(delays[0]).toBeLessThan(100);
    const rng = createRng(5);
    const fall = [...coinFlips(rng, 500, 0.9), ...coinFlips(rng, 500, 0.1)];
    expect(changesAt(pageHinkley({ ...eager, threshold: 15 }), fall)).toEqual([]);
  });

  it("goes on from a saved state as if nothing had happened", () => {
    const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(values, values, (before, after) => {
        const straight = pageHinkley(eager);
        for (const value of before) straight.update(value);
        const again = pageHinkley(eager, JSON.parse(JSON.stringify(straight.save())));
        expect(changesAt(again, after)).toEqual(changesAt(straight, after));
        expect(again.save()).toEqual(straight.save());
      }),
    );
  });
});
