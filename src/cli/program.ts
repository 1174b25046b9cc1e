import { Command } from "commander";
import { version } from "../app/version.ts";
import { benchCommand } from "./bench.ts";
import { cameraCommand } from "./camera.ts";
import { configCommand } from "./config.ts";
import { demoCommand } from "./demo.ts";
import { distilCommand } from "./distil.ts";
import { doctorCommand } from "./doctor.ts";
import { evaluateCommand } from "./evaluate.ts";
import { explainCommand } from "./explain.ts";
import { modelCommand } from "./model.ts";
import { predictCommand } from "./predict.ts";
import { runCommand } from "./run.ts";
import { snapshotCommand } from "./snapshot.ts";
import { describeUsage } from "./terminal.ts";

const commands = [
  demoCommand,
  runCommand,
  configCommand,
  cameraCommand,
  predictCommand,
  snapshotCommand,
  modelCommand,
  doctorCommand,
  explainCommand,
  benchCommand,
  evaluateCommand,
  distilCommand,
];

/** All commands as one: parsing it runs the one that is named. */
export function createProgram(): Command {
  const program = new Command("l2p-edge")
    .description("A camera box that keeps learning: frames and labels in over MQTT, predictions and snapshots out.")
    .version(version)
    .addHelpText(
      "after",
      "\nFirst time here? `l2p-edge demo` shows a box that learns, on this machine alone.\nIn a clone, type `npx l2p-edge`.",
    );
  for (const command of commands) program.addCommand(command());
  explainUsage(program);
  return program;
}

/** Wrong use is told like every other error, by each command. */
function explainUsage(command: Command): void {
  command.configureOutput({ outputError: (text, write) => write(describeUsage(text)) });
  for (const inner of command.commands) explainUsage(inner);
}
