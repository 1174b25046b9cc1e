import { Command, Option } from "commander";
import type { DemoEvent } from "../app/demo.ts";
import type { DemoScores } from "../app/demo-tally.ts";
import { number } from "./arguments.ts";
import { stopSignal, unlessStopped } from "./stop-signal.ts";

interface DemoFlags {
  readonly frames?: number;
  readonly cameras: number;
  readonly fps: number;
  readonly story: number;
  readonly labelShare: number;
  readonly labelDelay: number;
  readonly seed: number;
  readonly model?: string;
  readonly port: number;
  readonly broker: number;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description("Watch a box learn, on this machine alone: a broker, a backbone and cameras of its own.")
    .option("--frames <n>", "end after so many frames, with a JSON summary on stdout", number(1))
    .option("--cameras <n>", "cameras over the belts", number(1, 16), 2)
    .option("--fps <n>", "frames a second, of each camera", number(0.1, 1000), 6)
    .option("--story <n>", "length of the story, frames of each camera", number(6), 360)
    .option("--label-share <share>", "share of the frames that get a label, 0 to 1", number(0, 1), 0.5)
    .option("--label-delay <seconds>", "how long after its frame a label comes", number(0, 86_400), 1)
    .option("--seed <n>", "pictures, order of parts, and which get labels", number(0), 1)
    .option("--model <name or path>", "another backbone: an installed model's name, a folder or a .safetensors file")
    .addOption(
      new Option("--port <n>", "of the page; another where it is taken").argParser(number(0, 65_535)).default(8080),
    )
    .addOption(
      new Option("--broker <n>", "port of the broker; another where it is taken")
        .argParser(number(0, 65_535))
        .default(1883),
    )
    .addHelpText("after", "\nExample, as a test runs it:\n  l2p-edge demo --frames 200 --fps 50 --story 100")
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const stop = stopSignal(); // first: starting takes a while
  const [{ runDemo }, { createLog }] = await Promise.all([import("../app/demo.ts"), import("../edge/log.ts")]);
  const summary = await unlessStopped(
    stop,
    runDemo(
      {
        frames: flags.frames,
        cameras: flags.cameras,
        framesPerSecond: flags.fps,
        storyFrames: flags.story,
        labelShare: flags.labelShare,
        labelDelayMs: flags.labelDelay * 1000,
        seed: flags.seed,
        modelPath: flags.model,
        dashboardPort: flags.port,
        brokerPort: flags.broker,
        signal: stop,
        onEvent: show,
      },
      createLog({ level: "warn", node: "demo" }),
    ),
  );
  clearLine();
  if (summary) process.stdout.write(`${JSON.stringify(summary)}\n`);
}

/** Lines that stay for what happened, and on a terminal one that moves for what goes on. */
function show(event: DemoEvent): void {
  switch (event.kind) {
    case "started":
      say(`A box that learns, on ${event.runs}. Watch it: ${event.page}  (broker ${event.broker}; Ctrl-C ends it)`);
      break;
    case "phase": {
      const last = event.before.phases.at(-1);
      if (last)
        say(`  ${last.phase.padEnd(26)} ${percent(last.accuracy)} right, at its end ${percent(last.lastThird)}`);
      say(`→ ${event.phase}`);
      break;
    }
    case "progress":
      if (!process.stderr.isTTY) break;
      clearLine();
      process.stderr.write(progressLine(event.frames, event.poolVersion, event.scores));
  }
}

function progressLine(frames: number, poolVersion: number, scores: DemoScores): string {
  return `  ${frames} frames · ${percent(scores.accuracy)} of ${scores.labels} right · version ${poolVersion}`;
}

function say(line: string): void {
  clearLine();
  process.stderr.write(`${line}\n`);
}

function clearLine(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");
}

function percent(share: number | null): string {
  return share === null ? "–" : `${Math.round(share * 100)} %`;
}
