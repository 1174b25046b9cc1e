import { existsSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Model } from "../backbone/model.ts";
import { progress } from "./terminal.ts";

interface BenchFlags {
  readonly model?: string;
  readonly rounds: number;
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  readonly selected: number;
  readonly promptLength: number;
  readonly tfjs: boolean;
  readonly memory: boolean;
  readonly prepack?: boolean;
  readonly compare: readonly string[];
  readonly json: boolean;
}

export function benchCommand(): Command {
  return new Command("bench")
    .description("Measure query, prompted forward and training step on this machine, both engines side by side.")
    .option(
      "--model <name or path>",
      "an installed model's name, a model folder or .safetensors file; default: the embedded one, else random ViT-Tiny",
    )
    .option("--rounds <n>", "how often each thing is measured", count, 15)
    .option("--threads <list>", "ONNX Runtime's thread counts, 0 for its own choice", counts, [1, 0])
    .option("--batches <list>", "batch sizes, 1 to 32", counts, [1, 8])
    .option("--selected <n>", "prompts that are selected for a sample", count, 5)
    .option("--prompt-length <n>", "tokens of a prompt", count, 5)
    .option("--no-tfjs", "leave TensorFlow.js out (it is slow)")
    .option("--memory", "measure what the process takes, not how fast it is; for a model from a file", false)
    .option(
      "--prepack",
      "with --memory: lay the weights out for the processor, as small models are (also: --no-prepack)",
    )
    .addOption(new Option("--no-prepack").hideHelp())
    .option("--compare <list>", "other models, in turn with that one at batch 1: their times ÷ its", names, [])
    .option("--json", "the whole report as JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  l2p-edge bench --model ./vit_tiny_patch16_224/model.safetensors --threads 1,4\n  l2p-edge bench --model vit-tiny --compare vit-tiny/fp16,vit-tiny/int8",
    )
    .action(bench);
}

async function bench(flags: BenchFlags): Promise<void> {
  if (flags.memory) return await memory(flags);
  if (flags.compare.length > 0) return await compare(flags);
  const [{ runBench }, { benchTable }] = await Promise.all([import("../bench/bench.ts"), import("../bench/table.ts")]);
  const model = await chosenModel(flags.model);
  const bar = benchBar();
  const report = await runBench({
    ...flags,
    model,
    onProgress: bar.update,
  }).finally(bar.stop);
  process.stdout.write(`${flags.json ? JSON.stringify(report, null, 2) : benchTable(report)}\n`);
}

/** A bar whose length is known with the first progress. */
function benchBar(): {
  readonly update: (done: number, total: number, what: string) => void;
  readonly stop: () => void;
} {
  let bar: ReturnType<typeof progress> | undefined;
  return {
    update: (done, total, what) => {
      bar ??= progress("bench", total);
      bar.update(done, what);
    },
    stop: () => bar?.stop(),
  };
}

async function compare({ model, compare: others, ...flags }: BenchFlags): Promise<void> {
  const [{ benchVariants }, { variantsTable }, { embeddedModelPath, loadModel }] = await Promise.all([
    import("../bench/variants.ts"),
    import("../bench/table.ts"),
    import("../backbone/model.ts"),
  ]);
  const names = [model ?? embeddedModelPath, ...others];
  const models = await Promise.all(names.map(async (name) => ({ name, model: await loadModel(name) })));
  const bar = benchBar();
  const timings = await benchVariants({
    ...flags,
    models,
    onProgress: bar.update,
  }).finally(bar.stop);
  process.stdout.write(`${flags.json ? JSON.stringify(timings, null, 2) : variantsTable(timings)}\n`);
}

async function memory({ model, threads, batches, selected, promptLength, prepack, json }: BenchFlags): Promise<void> {
  const { memoryTable, runMemoryBench } = await import("../bench/memory.ts");
  const { embeddedModelPath } = await import("../backbone/model.ts");
  const path = model ?? embeddedModelPath;
  const uses = await runMemoryBench({ path, threads: threads.at(-1)!, batches, selected, promptLength, prepack });
  process.stdout.write(`${json ? JSON.stringify(uses, null, 2) : memoryTable(uses)}\n`);
}

async function chosenModel(path: string | undefined): Promise<Model> {
  const { embeddedModelPath, loadModel } = await import("../backbone/model.ts");
  if (path !== undefined || existsSync(embeddedModelPath)) return await loadModel(path ?? embeddedModelPath);
  const { randomModel, vitTiny } = await import("../bench/random-model.ts");
  process.stderr.write("There is no embedded model here: measuring random weights in ViT-Tiny's shape.\n");
  return randomModel("random_vit_tiny", vitTiny, 1);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("a whole number of at least 1.");
  return value;
}

function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function counts(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 0)) {
    throw new InvalidArgumentError("whole numbers with commas between, like 1,8.");
  }
  return values;
}
