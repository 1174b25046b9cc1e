import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { openDrawing } from "../../src/evaluate/report/draw.ts";
import { fillTables } from "../../src/evaluate/report/fill-tables.ts";
import { drawPictures } from "../../src/evaluate/report/pictures.ts";
import { readResults } from "../../src/evaluate/report/read-results.ts";

const root = resolve(import.meta.dirname, "../..");
const results = await readResults(join(root, "test/results/evaluate"));
const documents = ["README.md", "test/results/README.md"];
const anew = `npx l2p-edge evaluate report test/results/evaluate --into ${documents.join(" ")}`;

describe.each(documents)("%s's tables and pictures", (path) => {
  it(`are what \`${anew}\` makes of test/results/evaluate`, async () => {
    const markdown = await readFile(join(root, path), "utf8");
    expect(markdown).toMatch(/^<!-- results: /m);
    expect(fillTables(markdown, results)).toBe(markdown);
    const pictures = drawPictures(await openDrawing(), markdown, results);
    for (const { path: link, svg } of pictures) {
      const drawn = (await readFile(join(root, dirname(path), link), "utf8")) === svg;
      expect(drawn, `${link} is what is drawn now`).toBe(true);
    }
  });
});

it("how they are made anew stands beside them", async () => {
  expect(await readFile(join(root, "test/results/README.md"), "utf8")).toContain(anew);
});
