import { Command } from "commander";
import type { Manifest } from "../backbone/manifest.ts";
import type { ListedWeights, UnusableWeights } from "../models/list.ts";
import { modelsOption } from "./model-options.ts";

interface ListFlags {
  readonly models?: string;
  readonly json: boolean;
}

export function modelListCommand(): Command {
  return new Command("list")
    .description(
      "the backbone that comes with the product, the installed ones with their variants, and those that can be pulled",
    )
    .addOption(modelsOption())
    .option("--json", "as JSON", false)
    .addHelpText("after", "\nExample:\n  l2p-edge model list")
    .action(list);
}

async function list({ models: folder, json }: ListFlags): Promise<void> {
  const [
    { embeddedModelPath, readCatalogue, readManifest },
    { userModelsFolder },
    { installedModels, weightBytes, weightsIn },
  ] = await Promise.all([
    import("../backbone/model.ts"),
    import("../backbone/installed.ts"),
    import("../models/list.ts"),
  ]);
  const modelsFolder = folder ?? userModelsFolder();
  const embedded = await readManifest(embeddedModelPath);
  const installed = await installedModels(modelsFolder);
  const { hub, models: known } = await readCatalogue();
  const isInstalled = (name: string): boolean => installed.some((model) => model.name === name);

  if (json) {
    const report = {
      embedded,
      modelsFolder,
      installed: installed.map(({ name, own, variants }) => ({
        name,
        ...facts(own),
        variants: variants.map(([variant, weights]) => ({ name: `${name}/${variant}`, ...facts(weights) })),
      })),
      catalogue: hub.map((model) => ({ ...model, installed: isInstalled(model.name) })),
      knownByHash: known,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  say(`Embedded\n${entry(embedded)}\n    ${told(await weightsIn(embeddedModelPath))}`);
  say(`\nInstalled in ${modelsFolder}`);
  if (installed.length === 0) say("  none");
  for (const { name, own, variants } of installed) {
    say("fault" in own ? `  ${name}` : entry({ ...own.manifest, name }));
    say(`    ${told(own)}`);
    for (const [variant, weights] of variants) {
      // Its precision is in its name.
      say(`    ${name}/${variant}: ${told(weights).replace(`${variant}, `, "")}`);
    }
  }
  say("\nTo pull, by `l2p-edge model pull NAME`");
  for (const model of hub) {
    const size = model.sizeBytes ?? weightBytes(model.architecture);
    const megabytes = `${model.sizeBytes === undefined ? "at least " : ""}${Math.round(size / 1e6)} MB`;
    say(`${entry(model)}; ${megabytes}${isInstalled(model.name) ? "; installed" : ""}`);
  }
  say("\nKnown by hash, as a bare file");
  for (const manifest of known) say(entry(manifest));
}

function entry({
  name,
  architecture,
  licence,
  ...more
}: Pick<Manifest, "name" | "architecture" | "licence"> & { sha256?: string | undefined }): string {
  const { imageSize, patchSize, width, depth } = architecture;
  const hash = more.sha256 === undefined ? "" : `\n    sha256 ${more.sha256}`;
  return `  ${name}${hash}\n    ${imageSize} px, patch ${patchSize}, width ${width}, depth ${depth}; ${licence}`;
}

function told(weights: ListedWeights | UnusableWeights): string {
  if ("fault" in weights) return `${weights.fault.code}: ${weights.fault.message}`;
  return `${weights.precision}, ${(weights.sizeBytes / 1e6).toFixed(1)} MB`;
}

function facts(weights: ListedWeights | UnusableWeights): object {
  if (!("fault" in weights)) return weights;
  const { folder, fault } = weights;
  return { folder, error: { code: fault.code, message: fault.message } };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
