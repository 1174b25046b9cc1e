import { Command } from "commander";
import type { Result, Verdict } from "../app/doctor/check.ts";

interface DoctorFlags {
  readonly config?: string;
  readonly json: boolean;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check that a node would run well here, and say what to do where it would not.")
    .option("--config <file>", "the node's configuration; default: the defaults")
    .option("--json", "one JSON object with all results", false)
    .addHelpText(
      "after",
      `
Each check is ✓ good, ! working but not as it could, or ✗ in the way; exit status 1 with any ✗. A node may be running.
Example:
  l2p-edge doctor --config config/one-camera.yaml`,
    )
    .action(doctor);
}

const marks: Readonly<Record<Verdict, string>> = { ok: "✓", warning: "!", failed: "✗" };

async function doctor({ config, json }: DoctorFlags): Promise<void> {
  const [{ doctorChecks }, { runChecks }] = await Promise.all([
    import("../app/doctor/doctor.ts"),
    import("../app/doctor/check.ts"),
  ]);
  const results: Result[] = [];
  for await (const result of runChecks(doctorChecks(config, process.env))) {
    results.push(result);
    // As they come: on a terminal, that is the progress.
    if (!json) process.stdout.write(describe(result));
  }
  const count = (verdict: Verdict): number => results.filter((one) => one.verdict === verdict).length;
  const isFit = count("failed") === 0;
  if (json) process.stdout.write(`${JSON.stringify({ ok: isFit, checks: results })}\n`);
  else
    process.stdout.write(`${results.length} checks: ${count("ok")} ✓  ${count("warning")} !  ${count("failed")} ✗\n`);
  // A runtime that was tried may keep a thread: what is to be said has been said.
  process.exit(isFit ? 0 : 1);
}

function describe(result: Result): string {
  const line = `${marks[result.verdict]} ${result.name.padEnd(15)} ${result.detail.replaceAll(/\s+/g, " ")}\n`;
  return result.verdict === "ok" ? line : `${line}  → ${result.advice}\n`;
}
