import { Command } from "commander";
import type { Installed } from "../models/install.ts";
import type { RoundedPrecision } from "../models/precision.ts";
import type { VariantOptions } from "../models/variant.ts";
import { modelsOption, precisionOption, roundingBar, tellInstalled } from "./model-options.ts";

interface ConvertFlags {
  readonly precision: RoundedPrecision;
  readonly name?: string;
  readonly models?: string;
  readonly json: boolean;
}

export function modelConvertCommand(): Command {
  return new Command("convert")
    .description("make a variant of a model in another precision: fp16 (half the size) or int8 (faster on the CPU)")
    .argument("<model>", "an installed model's name; with --name also a folder or a .safetensors file")
    .addOption(precisionOption("what the weights are rounded to").makeOptionMandatory())
    .option("--name <name>", "install it as a model of its own; default: in the model's folder, for model.precision")
    .addOption(modelsOption())
    .option("--json", "the result as one line of JSON", false)
    .addHelpText(
      "after",
      `
A variant is another model to snapshots and checkpoints: what was learned on one is not taken over by another.
Example, which is used as \`model: {path: vit-tiny, precision: int8}\` or \`--model vit-tiny/int8\`:
  l2p-edge model convert vit-tiny --precision int8`,
    )
    .action(convert);
}

async function convert(model: string, { precision, name, models, json }: ConvertFlags): Promise<void> {
  const { userModelsFolder } = await import("../backbone/installed.ts");
  const installed = await variantWithBar({ model, precision, name, modelsFolder: models ?? userModelsFolder() });
  tellInstalled(installed, models === undefined, json);
}

/** Makes a variant, with a bar where that takes a while. @throws AppError those of `makeVariant` */
export async function variantWithBar(options: VariantOptions): Promise<Installed> {
  const { makeVariant } = await import("../models/variant.ts");
  const bar = roundingBar();
  return await makeVariant({ ...options, onProgress: bar.update }).finally(bar.stop);
}
