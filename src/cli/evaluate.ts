import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { CellResult } from "../evaluate/result.ts";
import { type ScenarioName, scenarioNames } from "../evaluate/scenarios/names.ts";
import { number } from "./arguments.ts";
import { evaluateReportCommand } from "./evaluate-report.ts";
import { stopSignal } from "./stop-signal.ts";
import { progress, type Progress } from "./terminal.ts";

interface EvaluateFlags {
  readonly data?: string;
  readonly methods: readonly string[];
  readonly model?: string;
  readonly protocol: "single-pass" | "paper";
  readonly perClass?: number;
  readonly testPerClass?: number;
  readonly seed: number;
  readonly seeds?: readonly number[];
  readonly batch: number;
  readonly labelShare: number;
  readonly labelDelay: number;
  readonly ask: "asked" | "by-chance" | "random";
  readonly holdOut: number;
  readonly stops: number;
  readonly buffer: number;
  readonly out: string;
  readonly cache: string;
  readonly threads: number;
}

const about = `
Scenarios (none tells a method which task an image is of):
  split-cifar100     10 tasks of 10 classes, one after another (--data: a tree with train and test)
  gaussian-cifar100  no boundaries: each class comes around its time
  blurry-cifar100    Si-Blurry: half of the classes in one task each, the others blurred over all
  diverse            one data set after another (--data: one folder a set)
  drift              20 classes under light, colour, blur, noise, compression, rotation and occlusion, that come back
  stationary         all classes all the time, in no order: for calibration and false alarms
  parts              the machine parts that the product draws: new types and a night shift; needs no data
  folders            your own (--data: one folder a task, or one a domain: with the same classes)

Methods: sequential, sequential-frozen, ewc, lwf, er, l2p, l2p+mask, l2p+er, ncm, slda, ranpac, ranpac-<units>,
  joint, joint-frozen, stream, stream+boost, stream-prompted, stream-statistics; ncm+tokens, slda+tokens,
  ranpac-<units>+tokens use what the product's statistics use: q(x) and means of patch tokens.`;

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("Play a scenario to ways of learning, measure what they learn and forget; stopped, it goes on.")
    .addArgument(new Argument("<scenario>", "see below").choices(scenarioNames))
    .option("--data <path>", "images: an ImageFolder tree, or a .tar or .tar.gz of one")
    .option("--methods <list>", "with commas between", names, ["ncm", "slda", "stream"])
    .option("--model <path>", "model name or path; default: the embedded one")
    .addOption(
      new Option("--protocol <kind>", "each image once, or 5 epochs a task as in the paper")
        .choices(["single-pass", "paper"])
        .default("single-pass"),
    )
    .option("--per-class <n>", "training images of each class (all without it)", number(1))
    .option("--test-per-class <n>", "test images of each class and test set (all without it)", number(1))
    .option("--seed <n>", "of order, chance and first weights", number(0), 1)
    .addOption(new Option("--seeds <list>", "several, with commas between").argParser(seeds).conflicts("seed"))
    .option("--batch <n>", "frames and labels at a time", number(1, 1024), 16)
    .option("--label-share <share>", "share of the frames that get a label, 0 to 1", number(0.0001, 1), 1)
    .addOption(
      new Option("--ask <which>", "which frames these are: those whose label the method asks for, or as many by chance")
        .choices(["asked", "by-chance", "random"])
        .default("random"),
    )
    .option("--hold-out <n>", "classes whose frames come without a label: are they called unknown?", number(0), 0)
    .option("--label-delay <n>", "frames between a frame and its label", number(0), 0)
    .option("--stops <n>", "tests at equal distances of the stream, besides those at segments' ends", number(1), 10)
    .option("--buffer <n>", "images that rehearsal stores of each class", number(1), 50)
    .option("--out <folder>", "where results go: a folder a table, a file a cell", ".cache/evaluate/results")
    .option("--cache <folder>", "where features are kept", ".cache/evaluate")
    .option("--threads <n>", "0: as many as there are cores", number(0), 0)
    .addCommand(evaluateReportCommand())
    .addHelpText("after", about)
    .addHelpText("after", "\nExample:\n  l2p-edge evaluate parts --methods ncm,slda,stream --seeds 1,2,3")
    .action(runEvaluate);
}

async function runEvaluate(scenario: ScenarioName, flags: EvaluateFlags): Promise<void> {
  const [{ evaluate }, { embeddedModelPath }] = await Promise.all([
    import("../evaluate/evaluate.ts"),
    import("../backbone/model.ts"),
  ]);
  const stop = stopSignal();
  let bar: Progress | undefined;
  let shown = "";
  const results = await evaluate({
    scenario,
    dataPath: flags.data,
    modelPath: flags.model ?? embeddedModelPath,
    methods: flags.methods,
    seeds: flags.seeds ?? [flags.seed],
    protocol: {
      kind: flags.protocol,
      batch: flags.batch,
      labelShare: flags.labelShare,
      labels: flags.ask,
      labelDelay: flags.labelDelay,
      stops: flags.stops,
    },
    perClass: flags.perClass,
    testPerClass: flags.testPerClass,
    heldOut: flags.holdOut,
    settings: { bufferPerClass: flags.buffer },
    cacheFolder: flags.cache,
    outFolder: flags.out,
    threads: flags.threads,
    checkpointMs: 60_000,
    signal: stop,
    onProgress: (what, done, of) => {
      if (what !== shown) {
        bar?.stop();
        bar = progress(what, of);
        shown = what;
      }
      bar?.update(done);
    },
    onResult: (result, path) => {
      bar?.stop();
      shown = "";
      process.stderr.write(`${describe(result)}: ${path}\n`);
    },
  }).finally(() => bar?.stop());
  if (stop.aborted) process.stderr.write("Stopped. The same command goes on from here.\n");
  const { markdownTables } = await import("../evaluate/report/markdown.ts");
  process.stdout.write(markdownTables(results));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function describe({ spec, metrics }: CellResult): string {
  const forgotten = metrics.forgetting === null ? "" : `, forgetting ${percent(metrics.forgetting)}`;
  const { averageAccuracy, prequential } = metrics;
  return `${spec.method}, seed ${spec.seed}: average accuracy ${percent(averageAccuracy)}${forgotten}, prequential ${percent(prequential.overall)}`;
}

function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function seeds(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 0)) {
    throw new InvalidArgumentError("whole numbers with commas between, like 1,2,3.");
  }
  return values;
}
