import { Command, Option } from "commander";
import type { ResizeRule } from "../backbone/manifest.ts";
import type { RoundedPrecision } from "../models/precision.ts";
import { number } from "./arguments.ts";
import { channels, modelsOption, precisionOption, roundingBar, tellInstalled } from "./model-options.ts";

interface ImportFlags extends Partial<ResizeRule> {
  readonly name: string;
  readonly imageSize?: number;
  readonly heads?: number;
  readonly precision?: RoundedPrecision;
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  readonly licence?: string;
  readonly source?: string;
  readonly models?: string;
  readonly json: boolean;
}

export function modelImportCommand(): Command {
  return new Command("import")
    .description("install a plain ViT from a .safetensors file, in timm's or Hugging Face's names")
    .argument("<file>", "config.json and preprocessor_config.json beside it are read too")
    .requiredOption("--name <name>", "what it is installed as")
    .option("--image-size <pixels>", "interpolate its position embeddings for images of this size", number(1))
    .option("--heads <n>", "attention heads; default: config.json's, else width / 64", number(1))
    .addOption(precisionOption("what the weights are rounded to; default: as they are"))
    .option("--mean <r,g,b>", "of the pixels in 0 to 1; default: as beside the file, else 0.5", channels(-Infinity))
    .option("--std <r,g,b>", "the same", channels(Number.MIN_VALUE))
    .addOption(new Option("--resize <rule>", "how images become square; default: cover").choices(["cover", "fill"]))
    .addOption(
      new Option("--kernel <name>", "how they are resampled; default: cubic").choices(["cubic", "linear", "lanczos3"]),
    )
    .option("--licence <id>", "of the weights, for the manifest")
    .option("--source <text>", "where they come from, for the manifest")
    .addOption(modelsOption())
    .option("--json", "the result as one line of JSON", false)
    .addHelpText(
      "after",
      `
Example, for weights of DINO or DeiT, which have ImageNet's mean and std:
  l2p-edge model import model.safetensors --name dino --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  l2p-edge model import model.safetensors --name vit-160 --image-size 160`,
    )
    .action(importFile);
}

async function importFile(path: string, flags: ImportFlags): Promise<void> {
  const [{ importModel }, { userModelsFolder }] = await Promise.all([
    import("../models/import.ts"),
    import("../backbone/installed.ts"),
  ]);
  const { name, imageSize, heads, precision, models, json, ...description } = flags;
  const bar = roundingBar();
  const installed = await importModel({
    path,
    name,
    imageSize,
    heads,
    precision,
    modelsFolder: models ?? userModelsFolder(),
    description,
    onProgress: bar.update,
  }).finally(bar.stop);
  tellInstalled(installed, models === undefined, json);
}
