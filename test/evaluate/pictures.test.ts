import { describe, expect, it } from "vitest";
import { openDrawing } from "../../src/evaluate/report/draw.ts";
import { drawPictures } from "../../src/evaluate/report/pictures.ts";
import { cellResult } from "../support/cell-result.ts";

const drawing = await openDrawing();
const uses = [
  [3, 1],
  [0, 4],
];
const results = [
  cellResult({ spec: { method: "l2p" }, promptUse: uses, metrics: { promptSharing: 0.25 } }),
  cellResult({ spec: { method: "ncm", seed: 1 }, metrics: { averageAccuracy: 0.5 } }),
  cellResult({ spec: { method: "ncm", seed: 2 }, metrics: { averageAccuracy: 0.6 } }),
  cellResult({ spec: { scenario: "drift", method: "l2p" }, promptUse: uses, metrics: { promptSharing: 0.5 } }),
];
const image = "![what it shows](a/b.svg)";
const one = (marker: string): string => {
  const [picture] = drawPictures(drawing, `Text.\n\n<!-- picture: ${marker} -->\n${image}\n`, results);
  expect(picture!.path).toBe("a/b.svg");
  return picture!.svg;
};

describe("a picture below its marker", () => {
  it.each(["accuracy", "anytime", "prequential", "prompts"])("is a whole SVG file: %s", (kind) => {
    const svg = one(`${kind} parts-3-per-class-tiny`);
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ')).toBe(true);
    expect(svg).toContain("prefers-color-scheme: dark");
    // What stands in an HTML page alone.
    expect(svg).not.toMatch(/<figure|<span|<div|NaN|undefined/);
  });

  it("shows the methods that the marker names", () => {
    const both = one("accuracy parts-3-per-class-tiny");
    expect(both).toContain(">l2p<");
    expect(both).toContain(">55.0<");
    expect(one("accuracy parts-3-per-class-tiny | methods: ncm")).not.toContain(">l2p<");
  });

  it("shows benchmarks one below the other, with what their tasks share", () => {
    const svg = one("prompts parts-3-per-class-tiny drift-3-per-class-tiny");
    expect(svg).toContain("parts, l2p: sharing 25.0 %");
    expect(svg).toContain("drift, l2p: sharing 50.0 %");
  });

  it.each([
    ["of a kind that there is not", `<!-- picture: pie parts-3-per-class-tiny -->\n${image}`],
    ["of no group", `<!-- picture: accuracy -->\n${image}`],
    [
      "of two groups that are no prompts",
      `<!-- picture: anytime parts-3-per-class-tiny drift-3-per-class-tiny -->\n${image}`,
    ],
    ["without an image", "<!-- picture: accuracy parts-3-per-class-tiny -->\nText."],
  ])("is refused when it is %s", (_, markdown) => {
    expect(() => drawPictures(drawing, markdown, results)).toThrow(
      expect.objectContaining({ code: "evaluate/markdown" }),
    );
  });
});
