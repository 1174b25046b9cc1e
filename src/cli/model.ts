import { Command } from "commander";
import type { Model } from "../backbone/model.ts";
import { progress } from "./terminal.ts";

export function modelCommand(): Command {
  const model = new Command("model").description(
    "The frozen backbones: what they are, and whether the files are whole.",
  );
  model
    .command("list")
    .description("the backbone that comes with the product, and the ones it knows by their hash")
    .addHelpText("after", "\nExample:\n  l2p-edge model list")
    .action(list);
  model
    .command("show")
    .description("architecture, normalisation, licence and source of one")
    .argument(
      "[path]",
      "a folder with manifest.json and model.safetensors, or a .safetensors file; default: the embedded one",
    )
    .option("--json", "as JSON", false)
    .addHelpText("after", "\nExample:\n  l2p-edge model show --json")
    .action(show);
  model
    .command("verify")
    .description("read every tensor, check the hash, and run one picture through it")
    .argument("[path]", "as for show")
    .addHelpText("after", "\nExample:\n  l2p-edge model verify ./vit_tiny_patch16_224/model.safetensors")
    .action(verify);
  return model.addHelpText("after", "\nExample:\n  l2p-edge model list");
}

async function list(): Promise<void> {
  const { embeddedModelPath, loadModel, readCatalogue } = await import("../backbone/model.ts");
  const embedded = await loadModel(embeddedModelPath);
  const { models } = await readCatalogue();
  const rows = [
    { manifest: embedded.manifest, where: "embedded" },
    ...models.map((manifest) => ({ manifest, where: "known by hash" })),
  ];
  for (const { manifest, where } of rows) {
    const { imageSize, patchSize, width, depth } = manifest.architecture;
    const shape = `${imageSize} px, patch ${patchSize}, width ${width}, depth ${depth}`;
    process.stdout.write(
      `${manifest.name}  (${where})\n  ${shape}; licence ${manifest.licence}\n  sha256 ${manifest.sha256}\n`,
    );
  }
}

async function show(path: string | undefined, { json }: { readonly json: boolean }): Promise<void> {
  const model = await open(path);
  const parameters = [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  const facts = { ...model.manifest, parameters, weights: model.weightsPath };
  if (json) {
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return;
  }
  for (const [key, value] of Object.entries(facts)) {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    process.stdout.write(`${key.padEnd(14)} ${text}\n`);
  }
}

async function verify(path: string | undefined): Promise<void> {
  const bar = progress("verify", 2);
  const model = await open(path);
  bar.update(1, "weights are whole");
  const { createOnnxEngine } = await import("../backbone/onnx-engine.ts");
  const engine = await createOnnxEngine({ model, head: { kind: "linear" }, provider: "cpu" });
  try {
    const grey = new Uint8Array(model.info.imageSize ** 2 * 3).fill(128);
    const query = await engine.query({ pixels: grey, count: 1 });
    bar.update(2, "it runs");
    bar.stop();
    const norm = Math.hypot(...query.data);
    process.stdout.write(
      `${model.info.name}: ok. sha256 ${model.info.modelId}, |q| of a grey picture ${norm.toFixed(4)}\n`,
    );
  } finally {
    bar.stop();
    await engine.close();
  }
}

async function open(path: string | undefined): Promise<Model> {
  const { embeddedModelPath, loadModel } = await import("../backbone/model.ts");
  return loadModel(path ?? embeddedModelPath);
}
