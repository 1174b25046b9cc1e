import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../../src/kernel/rng.ts";
import { adwin, adwinDefaults, type AdwinSettings } from "../../../src/learner/drift/adwin.ts";
import type { ChangeDetector } from "../../../src/learner/drift/detector.ts";
import { changesAt, coinFlips, digitsOf } from "../../support/changes.ts";
import { apart, doctest, fourParts, twoRanges } from "../../support/river-streams.ts";

const everyValue: AdwinSettings = { ...adwinDefaults, clock: 1 };

describe("River's numbers", () => {
  it.each([
    ["the doctest", doctest, [1023]],
    ["test_multiple_drifts", fourParts, [1023, 2015, 3007]],
    ["test_basic_drift_at_expected_index", twoRanges, [1023]],
    ["the first of the earlier doctest", apart, [1023]],
  ])("%s", (_, digits, expected) => {
    expect(changesAt(adwin(adwinDefaults), digitsOf(digits))).toEqual(expected);
  });

  it("no change in a constant stream, nor within the grace period", () => {
    expect(
      changesAt(
        adwin(everyValue),
        Array.from({ length: 5000 }, () => 1),
      ),
    ).toEqual([]);
    const jump = Array.from({ length: 100 }, (_, i) => (i < 50 ? 0 : 1000));
    expect(changesAt(adwin({ ...everyValue, grace: 100 }), jump)).toEqual([]);
  });
});

/** What the histogram holds: the count, the sum, and the sum of squared deviations of all values. */
function windowOf(detector: ChangeDetector): { count: number; total: number; squares: number } {
  const [, ...rows] = detector.save();
  const buckets = rows.flatMap((totals, at) =>
    at % 2 === 0 ? totals.map((total, i) => ({ total, squares: rows[at + 1]![i]!, size: 2 ** (at / 2) })) : [],
  );
  const count = buckets.reduce((sum, { size }) => sum + size, 0);
  const total = buckets.reduce((sum, one) => sum + one.total, 0);
  const squares = buckets.reduce(
    (sum, one) => sum + one.squares + one.size * (one.total / one.size - total / count) ** 2,
    0,
  );
  return { count, total, squares };
}

describe("the exponential histogram", () => {
  const values = fc.array(
    fc.double({ min: -10, max: 10, noNaN: true }).map((x) => x + 0),
    { minLength: 1, maxLength: 400 },
  );

  it("holds exactly the count, the sum and the variance of what came, in few buckets", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 8 }), (all, maxBuckets) => {
        const detector = adwin({ ...adwinDefaults, maxBuckets, clock: 1e9 });
        for (const value of all) detector.update(value);
        const { count, total, squares } = windowOf(detector);
        const mean = all.reduce((a, b) => a + b, 0) / all.length;
        expect(count).toBe(all.length);
        expect(total).toBeCloseTo(mean * all.length, 6);
        expect(squares).toBeCloseTo(
          all.reduce((sum, x) => sum + (x - mean) ** 2, 0),
          6,
        );
        const rows = detector.save().slice(1);
        expect(rows.every((row) => row.length <= maxBuckets)).toBe(true);
        expect(rows.length / 2).toBeLessThanOrEqual(1 + Math.log2(all.length + 1));
      }),
    );
  });

  it("goes on from a saved state as if nothing had happened", () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const straight = adwin(everyValue);
        for (const value of before) straight.update(value);
        const again = adwin(everyValue, JSON.parse(JSON.stringify(straight.save())));
        expect(changesAt(again, after)).toEqual(changesAt(straight, after));
        expect(again.save()).toEqual(straight.save());
      }),
    );
  });
});

describe("its promises", () => {
  it.each([0.05, 0.3, 0.5])("false alarms at chance %s are fewer than δ a look", (chance) => {
    const runs = 40;
    const length = 2000;
    let alarms = 0;
    for (let seed = 0; seed < runs; seed++) {
      alarms += changesAt(adwin({ ...adwinDefaults, delta: 0.05 }), coinFlips(createRng(seed), length, chance)).length;
    }
    const looks = (runs * length) / adwinDefaults.clock;
    expect(alarms / looks).toBeLessThan(0.05);
  });

  it("tells a step soon, with the means on both sides, and a greater one sooner", () => {
    const delays = [0.3, 0.5, 0.9].map((after) => {
      const rng = createRng(3);
      const all = [...coinFlips(rng, 1000, 0.05), ...coinFlips(rng, 1000, after)];
      const detector = adwin(adwinDefaults);
      const found = all.map((value) => detector.update(value)).map((change, at) => ({ change, at }));
      const first = found.find(({ change }) => change !== null)!;
      expect(first.at).toBeGreaterThanOrEqual(1000);
      expect(first.change!.before).toBeLessThan(0.1);
      expect(first.change!.after).toBeGreaterThan(0.2);
      return first.at - 1000;
    });
    expect(delays[0]).toBeLessThan(150);
    expect(delays[2]).toBeLessThanOrEqual(63);
    expect(delays).toEqual(delays.toSorted((a, b) => b - a));
  });

  it("tells a mean that fell as well", () => {
    const rng = createRng(4);
    const detector = adwin(adwinDefaults);
    const changes = [...coinFlips(rng, 500, 0.8), ...coinFlips(rng, 300, 0.1)].map((value) => detector.update(value));
    const [change] = changes.filter((one) => one !== null);
    expect(change!.after).toBeLessThan(change!.before);
  });
});
