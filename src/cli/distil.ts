import { Command } from "commander";
import type { LogEntry } from "../distil/training-log.ts";
import { number } from "./arguments.ts";
import { distilCurvesCommand } from "./distil-curves.ts";
import { progress, type Progress } from "./terminal.ts";

interface TrainFlags {
  readonly teacher: string;
  readonly images: string;
  readonly imagesNote?: string;
  readonly out: string;
  readonly work: string;
  readonly views: number;
  readonly perClass?: number;
  readonly start?: string;
  readonly seed: number;
  readonly threads: number;
}

interface CompareFlags {
  readonly data: string;
  readonly train: number;
  readonly test: number;
  readonly threads: number;
}

export function distilCommand(): Command {
  return new Command("distil")
    .description("Train the small backbone from a large one, or measure how good backbones are.")
    .addCommand(trainCommand())
    .addCommand(compareCommand())
    .addCommand(distilCurvesCommand())
    .addHelpText("after", "\nExample:\n  l2p-edge distil compare models/embedded --data cifar100.tar.gz");
}

function trainCommand(): Command {
  return new Command("train")
    .description("Distil a ViT's features into a small ViT, from random weights. Stopped, it goes on where it was.")
    .requiredOption("--teacher <path>", "model folder or .safetensors file of the large ViT")
    .requiredOption("--images <path>", "ImageFolder tree (its labels only watch), or a .tar or .tar.gz of one")
    .option("--images-note <text>", "what the images are and on which terms, for the manifest")
    .requiredOption("--out <folder>", "where the model is written")
    .option("--work <folder>", "the teacher's features and checkpoints (about 3 GB for 23,000 images)", ".cache/distil")
    .option("--views <n>", "how many views the student sees in all", number(1), 150_000)
    .option(
      "--per-class <n>",
      "train on so many photographs of each class only: what would more of them give?",
      number(1),
    )
    .option("--start <folder>", "go on from a student that was trained before, instead of random weights")
    .option("--seed <n>", "of weights, views and their order", number(0), 1)
    .option("--threads <n>", "0: as many as there are cores", number(0), 0)
    .addHelpText(
      "after",
      "\nExample:\n  l2p-edge distil train --teacher vit_tiny.safetensors --images photographs.tar.gz --out models/mine",
    )
    .action(runTrain);
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const [{ distil }, { embeddedRecipe }] = await Promise.all([
    import("../distil/distil.ts"),
    import("../distil/recipe.ts"),
  ]);
  const recipe = embeddedRecipe({
    viewsSeen: flags.views,
    seed: flags.seed,
    photographsPerClass: flags.perClass,
  });
  const onTerminal = process.stderr.isTTY;
  const say = (line: string): void => void (onTerminal || process.stderr.write(`${line}\n`));
  const bars = stages();
  const manifest = await distil({
    recipe,
    teacherPath: flags.teacher,
    imagesPath: flags.images,
    ...(flags.imagesNote !== undefined && { imagesNote: flags.imagesNote }),
    workFolder: flags.work,
    outFolder: flags.out,
    startPath: flags.start,
    threads: flags.threads,
    onTeacher: (kind, done, of) => {
      bars.show(`teacher, ${kind}`, done, of);
      if (done % 800 === 0 || done === of) say(`teacher, ${kind} views: ${done} of ${of}`);
    },
    onLog: (entry) => {
      bars.show("student", entry.step, recipe.train.steps, `loss ${entry.loss.toFixed(3)}`);
      say(describe(entry, recipe.train.steps));
    },
  }).finally(() => bars.stop());
  process.stdout.write(`${JSON.stringify({ name: manifest.name, sha256: manifest.sha256, folder: flags.out })}\n`);
}

/** One progress bar after another. */
function stages(): { show(title: string, done: number, of: number, note?: string): void; stop(): void } {
  let bar: Progress | undefined;
  let shown = "";
  return {
    show: (title, done, of, note) => {
      if (title !== shown) {
        bar?.stop();
        bar = progress(title, of);
        shown = title;
      }
      bar?.update(done, note);
    },
    stop: () => bar?.stop(),
  };
}

function describe({ step, seconds, loss, ...watched }: LogEntry, steps: number): string {
  const { heldOutCosine, heldOutNearestMean } = watched;
  const held =
    heldOutNearestMean === undefined
      ? ""
      : `; held out: cosine ${heldOutCosine?.toFixed(3)}, nearest class mean ${(100 * heldOutNearestMean).toFixed(1)} %`;
  return `step ${step} of ${steps}, ${seconds} s: loss ${loss.toFixed(4)}${held}`;
}

function compareCommand(): Command {
  return new Command("compare")
    .description("Nearest-class-mean and LDA accuracy of models' frozen features on a labelled data set.")
    .argument("<model...>", "installed models' names, model folders or .safetensors files")
    .requiredOption("--data <path>", "ImageFolder tree with train and test, or a .tar or .tar.gz of one")
    .option("--train <n>", "training images of each class", number(1), 100)
    .option("--test <n>", "test images of each class", number(1), 20)
    .option("--threads <n>", "0: as many as there are cores", number(0), 0)
    .addHelpText(
      "after",
      "\nExample:\n  l2p-edge distil compare models/embedded vit_tiny.safetensors --data cifar100.tar.gz",
    )
    .action(runCompare);
}

async function runCompare(models: string[], flags: CompareFlags): Promise<void> {
  const { compareModels } = await import("../distil/compare.ts");
  const bars = stages();
  const results = await compareModels({
    models,
    dataPath: flags.data,
    trainPerClass: flags.train,
    testPerClass: flags.test,
    threads: flags.threads,
    onProgress: (model, split, done, of) => bars.show(`${model}, ${split}`, done, of),
  }).finally(() => bars.stop());
  for (const result of results) process.stdout.write(`${JSON.stringify(result)}\n`);
}
