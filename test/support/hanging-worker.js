// A thread that hangs where a runtime would: in a system call that returns when somebody writes into the pipe.
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

parentPort.on("message", ({ args }) => readFileSync(args[0]));
