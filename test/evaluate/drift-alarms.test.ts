import { describe, expect, it } from "vitest";
import { driftAlarms, driftScore } from "../../src/evaluate/drift-alarms.ts";
import { markdownTables } from "../../src/evaluate/report/markdown.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { cellResult } from "../support/cell-result.ts";

const segments = [100, 200, 300].map((end) => ({ name: `to ${end}`, end }));

describe("alarms of a run", () => {
  it("are those that a node would have told, by errors and by similarity", () => {
    const rng = createRng(1);
    const right = Array.from({ length: 600 }, (_, i) => (rng.uniform() < (i < 400 ? 0.9 : 0.3) ? "1" : "0")).join("");
    const similarity = Array.from({ length: 600 }, (_, i) =>
      i < 9 ? null : (i < 300 ? 0.6 : 0.4) + 0.05 * rng.normal(),
    );
    const alarms = driftAlarms({ right: { overall: right }, similarity })!;
    expect(alarms.error).toHaveLength(1);
    expect(alarms.error[0]! - 400).toBeLessThan(60);
    expect(alarms.error[0]! - 400).toBeGreaterThan(0);
    expect(alarms.similarity).toHaveLength(1);
    expect(alarms.similarity[0]! - 300).toBeLessThan(30);
  });

  it("are none for a method that no node runs", () => {
    expect(driftAlarms({ right: { overall: "10" } })).toBeNull();
  });
});

describe("what they were worth", () => {
  it("the first after each change is its notice, all others are false", () => {
    expect(driftScore([40, 110, 150, 290], segments, false)).toEqual({
      changes: 2,
      noticed: 2,
      delay: 90,
      falseAlarms: 2,
    });
    expect(driftScore([], segments, false)).toEqual({ changes: 2, noticed: 0, delay: null, falseAlarms: 0 });
    expect(driftScore([40, 110], segments, true)).toMatchObject({ changes: 0, falseAlarms: 2 });
  });

  it("stands below the scenarios whose changes are known", () => {
    const drift = { error: [], similarity: [27, 31] };
    const text = markdownTables([cellResult({ spec: { method: "stream" }, drift })]);
    expect(text).toContain("| stream: error | 0 of 1 | – | 0.0 |");
    expect(text).toContain("| stream: similarity | 1 of 1 | 7 | 250.0 |");
    expect(markdownTables([cellResult({ spec: { scenario: "split-cifar100" }, drift })])).not.toContain(
      "drift detector",
    );
    expect(markdownTables([cellResult({})])).not.toContain("drift detector");
  });
});
