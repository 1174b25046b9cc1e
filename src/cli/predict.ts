import { Command, Option } from "commander";
import type { OneShot } from "../app/predictor.ts";
import type { SavedFile } from "../app/snapshot-file.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import type { LoadedSettings } from "../settings/load.ts";
import { readInput } from "./input.ts";
import { progress, tellUnusable } from "./terminal.ts";

interface PredictFlags {
  readonly config?: string;
  readonly model?: string;
  readonly state?: string;
  readonly snapshot?: string;
  readonly json: boolean;
}

export function predictCommand(): Command {
  return new Command("predict")
    .description("Predict images with what a node has learned; the node may be running meanwhile.")
    .argument("<image...>", "JPEG, PNG or WebP files; - for standard input")
    .option("--config <file>", "the node's configuration: its model, learner and state folder")
    .option(
      "--model <name or path>",
      "an installed model's name, a model folder or .safetensors file; default: the configuration's, else the embedded one",
    )
    .option("--state <folder>", "a node's state folder, whose newest checkpoint is read; default: the configuration's")
    .addOption(new Option("--snapshot <file>", "a compact snapshot or a checkpoint instead").conflicts("state"))
    .option("--json", "one line of JSON an image", false)
    .addHelpText(
      "after",
      `
Exit status 1 when an image could not be predicted; the others are.
Example:
  l2p-edge predict --config config/one-camera.yaml part.jpg
  l2p-edge predict --snapshot box-1.safetensors --json part-1.jpg part-2.jpg`,
    )
    .action(predict);
}

async function predict(images: readonly string[], flags: PredictFlags): Promise<void> {
  const [{ loadSettings }, { openPredictor }] = await Promise.all([
    import("../settings/load.ts"),
    import("../app/predictor.ts"),
  ]);
  const settings = loadSettings(flags.config, process.env);
  const model = { ...settings.model, ...(flags.model !== undefined && { path: flags.model, precision: undefined }) };
  const predictor = await openPredictor({ ...settings, model }, await saved(flags, settings));
  // Results on a terminal are progress enough.
  const bar = process.stdout.isTTY ? undefined : progress("predict", images.length);
  try {
    for (const [i, image] of images.entries()) {
      try {
        const prediction = await predictor.predict(await readInput(image));
        process.stdout.write(`${flags.json ? jsonLine(image, prediction) : textLine(image, prediction)}\n`);
      } catch (error) {
        tellFailure(image, error, flags.json);
      }
      bar?.update(i + 1, image);
    }
  } finally {
    bar?.stop();
    await predictor.close();
  }
}

async function saved(flags: PredictFlags, settings: LoadedSettings): Promise<Pick<SavedFile, "about" | "state">> {
  if (flags.snapshot !== undefined) {
    const { decodeSaved } = await import("../app/snapshot-file.ts");
    return decodeSaved(await readInput(flags.snapshot));
  }
  const folder = flags.state ?? (flags.config === undefined ? undefined : settings.state.folder);
  if (folder === undefined) throw appError("cli/usage", "say what was learned: --config, --state or --snapshot");
  const { newestCheckpoint } = await import("../app/newest-checkpoint.ts");
  return (await newestCheckpoint(folder, { onUnusable: tellUnusable })).checkpoint;
}

function jsonLine(image: string, prediction: OneShot): string {
  return JSON.stringify({ image, ...prediction, latencyMs: Math.round(prediction.latencyMs * 10) / 10 });
}

function textLine(image: string, { label, top, novelty, promptIds, latencyMs }: OneShot): string {
  const ms = `${latencyMs.toFixed(0)} ms`;
  if (label === null) return `${image}: nothing was learned yet  (${ms})`;
  const ranked = top.map(([name, probability]) => `${name} ${(100 * probability).toFixed(1)} %`);
  const unlike = novelty?.unknown === true ? "unlike anything learned; " : "";
  return `${image}: ${unlike}${ranked.join(", ")}  (prompts ${promptIds.join(" ") || "none"}; ${ms})`;
}

/** An image's own fault costs the others nothing; any other ends the command. */
function tellFailure(image: string, error: unknown, json: boolean): void {
  if (!isAppError(error) || !/^(image|file)\//.test(error.code)) throw error;
  process.exitCode = 1;
  const { code, message, hint } = error;
  if (json) process.stdout.write(`${JSON.stringify({ image, error: { code, message, hint } })}\n`);
  else process.stderr.write(`l2p-edge: ${code}: ${image}: ${message}. ${hint}\n`);
}
