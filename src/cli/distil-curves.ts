import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { Command } from "commander";
import type { TrainingCurves } from "../evaluate/report/training-curves.ts";
import { appError } from "../kernel/errors.ts";

export function distilCurvesCommand(): Command {
  return new Command("curves")
    .description("Draw the curves of trainings as SVG.")
    .argument(
      "<training.json...>",
      "as `distil train` writes it beside a model; one went on from the other, the first first",
    )
    .option("--side-by-side", "each began anew: all from the left")
    .requiredOption("--out <file>", "where the picture is written")
    .addHelpText("after", "\nExample:\n  l2p-edge distil curves models/embedded/training.json --out curves.svg")
    .action(run);
}

async function run(paths: string[], { out, sideBySide }: { out: string; sideBySide?: boolean }): Promise<void> {
  const [{ openDrawing }, { trainingCurves }] = await Promise.all([
    import("../evaluate/report/draw.ts"),
    import("../evaluate/report/training-curves.ts"),
  ]);
  const stages = await Promise.all(paths.map(read));
  await writeFile(out, trainingCurves(await openDrawing(), stages, { sideBySide })).catch((cause: unknown) => {
    throw appError("file/unwritable", `cannot write ${out}`, { cause });
  });
}

async function read(path: string): Promise<TrainingCurves> {
  try {
    const { recipe, log } = JSON.parse(await readFile(path, "utf8")) as {
      recipe: { train: { batchSize: number } };
      log: TrainingCurves["log"];
    };
    return { name: basename(path, ".json"), batchSize: recipe.train.batchSize, log };
  } catch (cause) {
    throw appError("distil/curves", `${path} has no curves of a training`, { cause });
  }
}
