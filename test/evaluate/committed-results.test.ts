import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { openDrawing } from "../../src/evaluate/report/draw.ts";
import { fillTables } from "../../src/evaluate/report/fill-tables.ts";
import { drawPictures } from "../../src/evaluate/report/pictures.ts";
import { readResults } from "../../src/evaluate/report/read-results.ts";

const root = resolve(import.meta.dirname, "../..");
const readme = await readFile(join(root, "README.md"), "utf8");
const results = await readResults(join(root, "test/results/evaluate"));
const anew = "npx l2p-edge evaluate report test/results/evaluate --into README.md";

describe("README.md's tables and pictures", () => {
  it(`are what \`${anew}\` makes of test/results/evaluate`, async () => {
    expect(readme).toContain(anew);
    expect(readme).toMatch(/^<!-- results: /m);
    expect(fillTables(readme, results)).toBe(readme);
    for (const { path, svg } of drawPictures(await openDrawing(), readme, results)) {
      expect((await readFile(join(root, path), "utf8")) === svg, `${path} is what is drawn now`).toBe(true);
    }
  });
});
