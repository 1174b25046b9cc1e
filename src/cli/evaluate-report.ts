import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { appError } from "../kernel/errors.ts";

interface ReportFlags {
  readonly html?: string;
}

export function evaluateReportCommand(): Command {
  return new Command("report")
    .description("Tables (Markdown, on stdout) and a page with pictures of results that are there.")
    .argument("[folder]", "where the results are", ".cache/evaluate/results")
    .option("--html <file>", "write one page with pictures, which needs nothing else")
    .addHelpText("after", "\nExample:\n  l2p-edge evaluate report .cache/evaluate/results --html report.html")
    .action(report);
}

async function report(folder: string, { html }: ReportFlags): Promise<void> {
  const [{ readResults }, { markdownTables }] = await Promise.all([
    import("../evaluate/report/read-results.ts"),
    import("../evaluate/report/markdown.ts"),
  ]);
  const results = await readResults(folder);
  if (html !== undefined) {
    const { reportPage } = await import("../evaluate/report/page.ts");
    const page = await reportPage(results);
    await writeFile(html, page).catch((cause: unknown) => {
      throw appError("file/unwritable", `cannot write ${html}`, { cause });
    });
  }
  process.stdout.write(markdownTables(results));
}
