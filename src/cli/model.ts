import { Command } from "commander";
import type { Model } from "../backbone/model.ts";
import { sizeOf } from "../kernel/tensor.ts";
import { modelConvertCommand } from "./model-convert.ts";
import { modelImportCommand } from "./model-import.ts";
import { modelListCommand } from "./model-list.ts";
import { modelsOption } from "./model-options.ts";
import { modelPullCommand } from "./model-pull.ts";
import { progress } from "./terminal.ts";

interface ShowFlags {
  readonly models?: string;
  readonly json: boolean;
}

export function modelCommand(): Command {
  const model = new Command("model").description(
    "The frozen backbones: get them, what they are, and whether the files are whole.",
  );
  for (const make of [modelListCommand, modelPullCommand, modelImportCommand, modelConvertCommand])
    model.addCommand(make());
  model
    .command("show")
    .description("architecture, normalisation, licence and source of one")
    .argument(
      "[model]",
      "an installed model's name, a folder with manifest.json and model.safetensors, or a .safetensors file; default: the embedded one",
    )
    .addOption(modelsOption())
    .option("--json", "as JSON", false)
    .addHelpText("after", "\nExample:\n  l2p-edge model show --json")
    .action(show);
  model
    .command("verify")
    .description("read every tensor, check the hash, and run one picture through it")
    .argument("[model]", "as for show")
    .addOption(modelsOption())
    .addHelpText("after", "\nExample:\n  l2p-edge model verify ./vit_tiny_patch16_224/model.safetensors")
    .action(verify);
  return model.addHelpText("after", "\nExample:\n  l2p-edge model list");
}

async function show(name: string | undefined, { json, models }: ShowFlags): Promise<void> {
  const model = await open(name, models);
  const parameters = [...model.weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const facts = { ...model.manifest, precision: model.precision, parameters, weights: model.weightsPath };
  if (json) {
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return;
  }
  for (const [key, value] of Object.entries(facts)) {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    process.stdout.write(`${key.padEnd(14)} ${text}\n`);
  }
}

async function verify(name: string | undefined, { models }: Pick<ShowFlags, "models">): Promise<void> {
  const bar = progress("verify", 2);
  const model = await open(name, models);
  bar.update(1, "weights are whole");
  const { createOnnxEngine } = await import("../backbone/onnx-engine.ts");
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu" });
  try {
    const grey = new Uint8Array(model.info.imageSize ** 2 * 3).fill(128);
    const query = await engine.query({ pixels: grey, count: 1 });
    bar.update(2, "it runs");
    bar.stop();
    const norm = Math.hypot(...query.data.subarray(0, model.info.width));
    process.stdout.write(
      `${model.info.name}: ok. sha256 ${model.info.modelId}, |q| of a grey picture ${norm.toFixed(4)}\n`,
    );
  } finally {
    bar.stop();
    await engine.close();
  }
}

async function open(name: string | undefined, models: string | undefined): Promise<Model> {
  const { embeddedModelPath, loadModel } = await import("../backbone/model.ts");
  return loadModel(name ?? embeddedModelPath, models === undefined ? {} : { modelsFolder: models });
}
