import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command } from "commander";
import type { CellResult } from "../evaluate/result.ts";
import { appError } from "../kernel/errors.ts";

interface ReportFlags {
  readonly html?: string;
  readonly into?: readonly string[];
}

const about = `
--into makes anew, in a Markdown file, what stands between these lines, and writes the pictures:

  <!-- results: GROUP | columns: prequential, A_auc | methods: ncm, stream, stream: statistics head -->
  <!-- end -->
      a table of a group of results, which is a folder's name; "columns" and "methods" may be left out

  <!-- alarms: GROUP GROUP | methods: stream -->
  <!-- end -->
      what the drift detectors noticed in one group or several, and their false alarms

  <!-- methods -->
  <!-- end -->
      what the methods of all these tables are

  <!-- picture: accuracy GROUP | methods: ncm, stream -->
  ![what it shows](path/of/the/picture.svg)
      accuracy (bars, with forgetting), anytime or prequential (lines over the stream), or
      prompts (histograms: which prompts each task selects), which may name several groups`;

export function evaluateReportCommand(): Command {
  return new Command("report")
    .description("Tables (Markdown, on stdout) and pictures of results that are there.")
    .argument("[folder]", "where the results are", ".cache/evaluate/results")
    .option("--html <file>", "write one page with pictures, which needs nothing else")
    .option("--into <files...>", "write tables and pictures where Markdown files ask for them, see below")
    .addHelpText("after", about)
    .addHelpText("after", "\nExample:\n  l2p-edge evaluate report .cache/evaluate/results --html report.html")
    .action(report);
}

async function report(folder: string, { html, into }: ReportFlags): Promise<void> {
  const [{ readResults }, { markdownTables }] = await Promise.all([
    import("../evaluate/report/read-results.ts"),
    import("../evaluate/report/markdown.ts"),
  ]);
  const results = await readResults(folder);
  if (html !== undefined) {
    const { reportPage } = await import("../evaluate/report/page.ts");
    await write(html, await reportPage(results));
  }
  if (into === undefined) process.stdout.write(markdownTables(results));
  else for (const path of into) await fill(path, results);
}

/** Pictures lie where the file's links say. */
async function fill(path: string, results: readonly CellResult[]): Promise<void> {
  const [{ fillTables }, { drawPictures }, { openDrawing }] = await Promise.all([
    import("../evaluate/report/fill-tables.ts"),
    import("../evaluate/report/pictures.ts"),
    import("../evaluate/report/draw.ts"),
  ]);
  const markdown = await readFile(path, "utf8").catch((cause: unknown) => {
    throw appError("evaluate/markdown", `cannot read ${path}`, { cause });
  });
  const filled = fillTables(markdown, results);
  const pictures = markdown.includes("<!-- picture") ? drawPictures(await openDrawing(), markdown, results) : [];
  for (const picture of pictures) await write(join(dirname(path), picture.path), picture.svg);
  if (filled !== markdown) await write(path, filled);
  process.stderr.write(`${path}: ${filled === markdown ? "nothing new" : "written"}; pictures: ${pictures.length}\n`);
}

async function write(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  } catch (cause) {
    throw appError("file/unwritable", `cannot write ${path}`, { cause });
  }
}
