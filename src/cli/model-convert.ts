import { Command, Option } from "commander";
import type { RoundedPrecision } from "../models/precision.ts";
import { modelsOption, tellInstalled } from "./model-options.ts";

interface ConvertFlags {
  readonly precision: RoundedPrecision;
  readonly name?: string;
  readonly models?: string;
  readonly json: boolean;
}

/** What weights can be rounded to. */
export function precisionOption(): Option {
  return new Option("--precision <name>", "what the weights are rounded to").choices(["fp16", "int8"]);
}

export function modelConvertCommand(): Command {
  return new Command("convert")
    .description("make a variant of a model in another precision: fp16 (half the size) or int8 (faster on the CPU)")
    .argument("<model>", "an installed model's name; with --name also a folder or a .safetensors file")
    .addOption(precisionOption().makeOptionMandatory())
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
  const [{ makeVariant }, { userModelsFolder }] = await Promise.all([
    import("../models/variant.ts"),
    import("../backbone/installed.ts"),
  ]);
  const installed = await makeVariant({ model, precision, name, modelsFolder: models ?? userModelsFolder() });
  tellInstalled(installed, models === undefined, json);
}
