import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { formatResult } from "../../src/evaluate/result.ts";
import { cellResult } from "../support/cell-result.ts";
import { runCli } from "../support/cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-report-"));
  await mkdir(join(folder, "results/parts-3-per-class-tiny"), { recursive: true });
  await writeFile(join(folder, "results/parts-3-per-class-tiny/ncm-seed1.json"), formatResult(cellResult({})));
});
afterAll(() => rm(folder, { recursive: true }));

const report = (markdown: string): ReturnType<typeof runCli> =>
  runCli(["evaluate", "report", join(folder, "results"), "--into", join(folder, markdown)]);

it("evaluate report --into fills a Markdown file and writes its pictures beside it", async () => {
  const markers = ["results: parts-3-per-class-tiny", "end", "picture: accuracy parts-3-per-class-tiny"];
  const text = `${markers.map((marker) => `<!-- ${marker} -->\n`).join("")}![bars](pictures/bars.svg)\n`;
  await writeFile(join(folder, "notes.md"), text);
  const { status, stdout } = await report("notes.md");
  expect([status, stdout]).toEqual([0, ""]);
  expect(await readFile(join(folder, "notes.md"), "utf8")).toContain("| ncm | 60.0 | 40.0 | 50.0 |");
  expect(await readFile(join(folder, "pictures/bars.svg"), "utf8")).toContain(">60.0<");
});

it("evaluate report --into leaves a file alone whose markers name what is not there", async () => {
  const text = "<!-- results: other -->\n<!-- end -->\n";
  await writeFile(join(folder, "wrong.md"), text);
  const { status, stderr } = await report("wrong.md");
  expect(status).not.toBe(0);
  expect(stderr).toContain("evaluate/markdown");
  expect(await readFile(join(folder, "wrong.md"), "utf8")).toBe(text);
  expect((await report("absent.md")).stderr).toContain("evaluate/markdown");
});
