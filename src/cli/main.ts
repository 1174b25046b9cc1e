#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { fail } from "./terminal.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  fail(error);
}
