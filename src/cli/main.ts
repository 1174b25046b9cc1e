#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { cameraCommand } from "./camera.ts";
import { modelCommand } from "./model.ts";
import { runCommand } from "./run.ts";
import { fail } from "./terminal.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("l2p-edge")
  .description("A camera box that keeps learning: frames and labels in over MQTT, predictions and snapshots out.")
  .version(version)
  .showHelpAfterError("(add --help for the options and an example)")
  .addHelpText("after", "\nFirst time here? `l2p-edge demo` shows a box that learns, on this machine alone.");

for (const command of [runCommand, cameraCommand, modelCommand]) program.addCommand(command());

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
