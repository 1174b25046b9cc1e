import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { Catalogue, HubModel } from "../backbone/catalogue.ts";
import { appError } from "../kernel/errors.ts";
import type { RoundedPrecision } from "../models/precision.ts";
import { nearest } from "../settings/suggest.ts";
import { number } from "./arguments.ts";
import { variantWithBar } from "./model-convert.ts";
import { installedFacts, modelsOption, precisionOption, tellInstalled } from "./model-options.ts";
import { progress, type Progress } from "./terminal.ts";

interface PullFlags {
  readonly name?: string;
  readonly imageSize?: number;
  readonly precision?: RoundedPrecision;
  readonly models?: string;
  readonly catalogue?: string;
  readonly json: boolean;
}

export function modelPullCommand(): Command {
  return new Command("pull")
    .description("download a backbone of the catalogue from its hub, check it and install it")
    .argument("<name>", "as `l2p-edge model list` shows it")
    .option("--name <name>", "what it is installed as; default: its name in the catalogue")
    .option("--image-size <pixels>", "interpolate its position embeddings for images of this size", number(1))
    .addOption(precisionOption("make this variant of it too, as `l2p-edge model convert` does"))
    .addOption(modelsOption())
    .option("--catalogue <file>", "another catalogue than models/catalogue.json, for a hub of your own")
    .option("--json", "the result as one line of JSON", false)
    .addHelpText(
      "after",
      `
Cut off, it goes on where it was when it is given again. HF_ENDPOINT names a mirror, HF_TOKEN a token for the hub;
HTTPS_PROXY and NO_PROXY count, and NODE_EXTRA_CA_CERTS for a proxy with a certificate of its own.
Example:
  l2p-edge model pull vit_tiny_patch16_224.augreg_in21k_ft_in1k
  l2p-edge model pull vit_small_patch16_224.dino --image-size 160 --name dino-160
  l2p-edge model pull vit_tiny_patch16_224.augreg_in21k_ft_in1k --precision int8`,
    )
    .action(pull);
}

async function pull(name: string, flags: PullFlags): Promise<void> {
  const [{ pullModel }, { fileUrl, hubOf }, { weightBytes }, { userModelsFolder }] = await Promise.all([
    import("../models/pull.ts"),
    import("../models/hub.ts"),
    import("../models/list.ts"),
    import("../backbone/installed.ts"),
  ]);
  const model = inCatalogue(await catalogue(flags.catalogue), name);
  const hub = hubOf(process.env);
  process.stderr.write(`${fileUrl(hub, model).href} (${model.licence})\n`);
  const modelsFolder = flags.models ?? userModelsFolder();
  let bar: Progress | undefined;
  const installed = await pullModel({
    model,
    hub,
    name: flags.name,
    imageSize: flags.imageSize,
    modelsFolder,
    env: process.env,
    onProgress: (done, total) => {
      bar ??= progress("pull, MB", megabytes(total ?? weightBytes(model.architecture)));
      bar.update(megabytes(done));
    },
    onRetry: ({ code, message }, waitMs) => {
      bar?.stop();
      bar = undefined;
      process.stderr.write(`${code}: ${message}; again in ${waitMs / 1000} s\n`);
    },
  }).finally(() => bar?.stop());
  const isFoundByName = flags.models === undefined;
  if (flags.precision === undefined) {
    tellInstalled(installed, isFoundByName, flags.json);
    return;
  }
  // It is there, and trusted, whatever becomes of the variant.
  if (!flags.json) tellInstalled(installed, isFoundByName, false);
  const variant = await variantWithBar({
    model: installed.manifest.name,
    precision: flags.precision,
    modelsFolder,
  });
  if (!flags.json) tellInstalled(variant, isFoundByName, false);
  else process.stdout.write(`${JSON.stringify({ ...installedFacts(installed), variant: installedFacts(variant) })}\n`);
}

async function catalogue(path: string | undefined): Promise<Catalogue> {
  const { readCatalogue } = await import("../backbone/model.ts");
  if (path === undefined) return await readCatalogue();
  const { parseCatalogue } = await import("../backbone/catalogue.ts");
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (cause) {
    throw appError("file/unreadable", `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return parseCatalogue(json, path);
}

/** @throws AppError `model/unknown`, `model/unsupported` */
function inCatalogue({ hub }: Catalogue, name: string): HubModel {
  const model = hub.find((candidate) => candidate.name === name);
  if (model !== undefined) return model;
  if (/clip/i.test(name)) {
    throw appError(
      "model/unsupported",
      `${name} is a CLIP: a LayerNorm before its first block and quick-GELU are not computed here`,
    );
  }
  if (/distilled/i.test(name)) {
    throw appError("model/unsupported", `${name} has a distillation token, which is not computed here`);
  }
  const near = nearest(
    name,
    hub.map((candidate) => candidate.name),
  );
  throw appError("model/unknown", `the catalogue has no ${name}${near === undefined ? "" : `: did you mean ${near}?`}`);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
