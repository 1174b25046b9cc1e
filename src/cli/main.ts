#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { fail } from "./terminal.ts";

// `l2p-edge model list | head -3` is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  fail(error);
}
