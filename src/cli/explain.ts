import { Command } from "commander";
import { appError, errorHints } from "../kernel/errors.ts";

export function explainCommand(): Command {
  return new Command("explain")
    .description("Say what to do about an error code, as errors, rejected and reply messages have them.")
    .argument("[code]", "a code, or the beginning of some, e.g. label/; default: all")
    .option("--json", "one JSON object: advice by code", false)
    .addHelpText("after", "\nExample:\n  l2p-edge explain label/late")
    .action(explain);
}

function explain(code: string | undefined, { json }: { json: boolean }): void {
  const told = Object.entries(errorHints).filter(([known]) => known.startsWith(code ?? ""));
  if (told.length === 0) {
    throw appError("cli/usage", `there is no error code ${JSON.stringify(code)}; without one, all are listed`);
  }
  if (json) process.stdout.write(`${JSON.stringify(Object.fromEntries(told))}\n`);
  else process.stdout.write(told.map(([known, hint]) => `${known}\n  ${hint}\n`).join(""));
}
