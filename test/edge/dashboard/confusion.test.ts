import { describe, expect, it } from "vitest";
import { createConfusion } from "../../../src/edge/dashboard/confusion.ts";

describe("confusion", () => {
  it("counts what was said for each label; labels stand in the order in which they came", () => {
    const confusion = createConfusion();
    for (const [label, said] of [
      ["nut", "bolt"],
      ["bolt", "bolt"],
      ["nut", "nut"],
      ["nut", "bolt"],
    ] as const) {
      confusion.add(label, said);
    }
    expect(confusion.view).toEqual({
      labels: ["nut", "bolt"],
      rows: [
        [1, 2],
        [0, 1],
      ],
      left: 0,
    });
  });

  it("shows the sixteen labels that came most often, and how many it leaves out", () => {
    const confusion = createConfusion();
    for (let i = 0; i < 20; i++) for (let n = 0; n <= i; n++) confusion.add(`label ${i}`, "label 19");
    const { labels, rows, left } = confusion.view;
    expect(labels).toEqual(Array.from({ length: 16 }, (_, i) => `label ${i + 4}`));
    expect(left).toBe(4);
    expect(rows.map((row) => row.at(-1))).toEqual(Array.from({ length: 16 }, (_, i) => i + 5));
  });

  it("has no row for a prediction that was never a label, and is not moved by names of objects' parts", () => {
    const confusion = createConfusion();
    confusion.add("__proto__", "constructor");
    confusion.add("__proto__", "__proto__");
    expect(confusion.view).toEqual({ labels: ["__proto__"], rows: [[1]], left: 0 });
  });

  it("is bounded: of 4,000 pairs on, only known ones are counted", () => {
    const confusion = createConfusion();
    for (let i = 0; i < 5000; i++) confusion.add(`label ${i}`, "x");
    expect(confusion.view.left).toBe(4000 - 16);
    confusion.add("label 0", "label 0");
    for (let i = 0; i < 3; i++) confusion.add("label 3999", "x");
    expect(confusion.view.labels[0]).toBe("label 0");
    expect(confusion.view.labels).toContain("label 3999");
  });
});
