import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markdownTables } from "../../src/evaluate/report/markdown.ts";
import { reportPage } from "../../src/evaluate/report/page.ts";
import { readResults } from "../../src/evaluate/report/read-results.ts";
import { formatResult } from "../../src/evaluate/result.ts";
import { cellResult } from "../support/cell-result.ts";

const results = [
  cellResult({
    spec: { method: "stream", seed: 1 },
    promptUse: [
      [3, 1],
      [0, 4],
    ],
    metrics: { promptSharing: 0.25 },
  }),
  cellResult({
    spec: { method: "stream", seed: 2 },
    promptUse: [
      [2, 2],
      [2, 2],
    ],
    metrics: { promptSharing: 0.75 },
  }),
  cellResult({ spec: { method: "ncm", seed: 1 }, metrics: { averageAccuracy: 0.5 } }),
  cellResult({ spec: { method: "ncm", seed: 2 }, metrics: { averageAccuracy: 0.6 } }),
  cellResult({ spec: { scenario: "drift", method: "<ncm>" }, metrics: { forgetting: null } }),
];

describe("Markdown tables", () => {
  it("are one a group, a row a method, with mean and deviation over seeds", () => {
    const lines = markdownTables(results).split("\n");
    expect(lines.filter((line) => line.startsWith("**"))).toEqual([
      "**parts-3-per-class-tiny**: 40 frames, 4 classes, 2 seeds",
      "**drift-3-per-class-tiny**: 40 frames, 4 classes, 1 seed",
    ]);
    const ncm = lines.find((line) => line.startsWith("| ncm "))!;
    expect(ncm.split(" | ")[1]).toBe("55.0 ± 7.1");
    // Learning 1 ms and predicting 2 ms, besides 8 ms for q(x).
    expect(ncm.split(" | ").slice(-3)).toEqual(["9.0", "10", "20 kB |"]);
    expect(lines.find((line) => line.startsWith("| <ncm> "))!.split(" | ")[2]).toBe("–");
    // In the catalogue's order, not as the files come.
    expect(lines.indexOf(ncm)).toBeLessThan(lines.findIndex((line) => line.startsWith("| stream ")));
  });
});

describe("a method of several heads", () => {
  it("has a row for each of them alone", () => {
    const heads = {
      prompted: { averageAccuracy: 0.25, prequential: 0.5 },
      statistics: { averageAccuracy: 0.5, prequential: 0.75 },
    };
    const lines = markdownTables([cellResult({ spec: { method: "stream" }, metrics: { heads } })]).split("\n");
    const alone = lines.filter((line) => line.includes(" head |"));
    expect(alone).toEqual([
      "| stream: prompted head | 25.0 |  |  |  |  | 50.0 |  |  |  |  |  |  |  |  |",
      "| stream: statistics head | 50.0 |  |  |  |  | 75.0 |  |  |  |  |  |  |  |  |",
    ]);
  });
});

describe("the page", () => {
  it("stands by itself: no script, nothing from elsewhere, names escaped", async () => {
    const page = await reportPage(results);
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|href=/);
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).not.toContain("<ncm>");
    // Three pictures a group, and one of prompts.
    expect(page.match(/<figure><div/g)).toHaveLength(7);
    expect(page.match(/aria-label="Average accuracy and forgetting/g)).toHaveLength(2);
  });

  it("tells the sharing of prompts", async () => {
    expect(await reportPage(results)).toContain("sharing 50.0 ± 35.4 %");
  });
});

describe("reading results", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "l2p-edge-results-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("takes all files below a folder, and says which is none", async () => {
    await expect(readResults(folder)).rejects.toMatchObject({ code: "evaluate/result" });
    await expect(readResults(join(folder, "absent"))).rejects.toMatchObject({ code: "evaluate/result" });
    await writeFile(join(folder, "a.json"), formatResult(results[0]!));
    await writeFile(join(folder, "b.json.part"), "half");
    expect(await readResults(folder)).toEqual([results[0]]);
    await writeFile(join(folder, "c.json"), "{}");
    await expect(readResults(folder)).rejects.toThrow("c.json");
  });
});
