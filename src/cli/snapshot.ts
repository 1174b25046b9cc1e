import { basename, dirname } from "node:path";
import { Command, Option } from "commander";
import type { SavedFile } from "../app/snapshot-file.ts";
import { appError } from "../kernel/errors.ts";
import type { Precision } from "../message/snapshot-precision.ts";
import type { ModelSettings } from "../settings/types.ts";
import { readInput } from "./input.ts";
import { showSnapshot } from "./snapshot-show.ts";
import { describeDiff } from "./snapshot-text.ts";
import { tellUnusable } from "./terminal.ts";

export function snapshotCommand(): Command {
  const snapshot = new Command("snapshot").description(
    "What nodes have learned, as files: look at it, take it out of a node, put it into one, compare.",
  );
  snapshot
    .command("show")
    .description("what a snapshot or checkpoint says of itself, its labels and its arrays")
    .argument("<file>", "a compact snapshot, a checkpoint, - for standard input, or a state folder to list")
    .option("--json", "as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  l2p-edge snapshot show state/one-camera
  mosquitto_sub -C 1 -N -t l2p/box-1/snapshot > box-1.safetensors
  l2p-edge snapshot show box-1.safetensors`,
    )
    .action(showSnapshot);
  snapshot
    .command("export")
    .description("the newest checkpoint as a compact snapshot; the node may be running")
    .requiredOption("--state <folder>", "the node's state folder")
    .requiredOption("--out <file>", "where the snapshot is written; - for standard output")
    .addOption(
      new Option("--precision <name>", "of prompts, keys, head and class means")
        .choices(["fp16", "int8"])
        .default("fp16"),
    )
    .addHelpText("after", "\nExample:\n  l2p-edge snapshot export --state state/one-camera --out box-1.safetensors")
    .action(exportSnapshot);
  snapshot
    .command("restore")
    .description("put a snapshot or checkpoint into a stopped node's state folder, as its newest checkpoint")
    .argument("<file>", "a compact snapshot, a checkpoint, or - for standard input")
    .requiredOption("--state <folder>", "the stopped node's state folder")
    .option("--config <file>", "the node's configuration: tells its model and how many checkpoints it keeps")
    .option("--model <path>", "the model it runs; default: the configuration's, else that of its newest checkpoint")
    .option("--json", "what was done, as JSON", false)
    .addHelpText(
      "after",
      `
Refused while a node runs on the folder, and for another model's snapshot. Labels that wait in the node's journal are
learned on top of it when the node starts; what was learned since its last checkpoint is replaced with the rest.
Example:
  l2p-edge snapshot restore box-1.safetensors --state state/one-camera`,
    )
    .action(restoreSnapshot);
  snapshot
    .command("diff")
    .description("labels added, removed and renamed, and how far prompts, keys and class means moved")
    .argument("<from>", "a snapshot or checkpoint")
    .argument("<to>", "another")
    .option("--json", "as JSON", false)
    .addHelpText("after", "\nExample:\n  l2p-edge snapshot diff monday.safetensors friday.safetensors")
    .action(diffSnapshots);
  return snapshot.addHelpText("after", "\nExample:\n  l2p-edge snapshot show state/one-camera");
}

interface ExportFlags {
  readonly state: string;
  readonly out: string;
  readonly precision: Precision;
}

async function exportSnapshot({ state: folder, out, precision }: ExportFlags): Promise<void> {
  const [{ newestCheckpoint }, { compactState }, { encodeSnapshot }] = await Promise.all([
    import("../app/newest-checkpoint.ts"),
    import("../learner/compact.ts"),
    import("../message/snapshot.ts"),
  ]);
  const { name, checkpoint } = await newestCheckpoint(folder, { onUnusable: tellUnusable });
  const bytes = encodeSnapshot(compactState(checkpoint.state), checkpoint.about, { precision });
  if (out === "-") {
    process.stdout.write(bytes);
    return;
  }
  await writeOutput(out, bytes);
  process.stdout.write(`${out}: ${name} in ${precision}, ${bytes.length} bytes\n`);
}

interface RestoreFlags {
  readonly state: string;
  readonly config?: string;
  readonly model?: string;
  readonly json: boolean;
}

async function restoreSnapshot(file: string, flags: RestoreFlags): Promise<void> {
  const [{ restoreInto }, { loadSettings }] = await Promise.all([
    import("../app/snapshot-restore.ts"),
    import("../settings/load.ts"),
  ]);
  const saved = await readSaved(file);
  const settings = loadSettings(flags.config, process.env);
  const restored = await restoreInto({
    saved,
    stateFolder: flags.state,
    keep: settings.snapshot.keep,
    model: await modelOf(flags, settings.model),
    log: (level, text) => void process.stderr.write(`${level}: ${text}\n`),
  });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(restored)}\n`);
    return;
  }
  const { checkpoint, replacedLabels, waitingLabels } = restored;
  const { about } = saved;
  process.stdout.write(`${checkpoint}: version ${about.poolVersion} of ${about.node}, for ${about.modelName}\n`);
  if (replacedLabels > 0) {
    process.stdout.write(`${replacedLabels} labels learned since the last checkpoint are replaced with the rest.\n`);
  }
  if (waitingLabels > 0) {
    process.stdout.write(`${waitingLabels} labels wait in the journal: the node learns them on top when it starts.\n`);
  }
}

async function modelOf(
  { config, model }: Pick<RestoreFlags, "config" | "model">,
  { path, precision }: Pick<ModelSettings, "path" | "precision">,
): Promise<{ readonly modelId: string; readonly modelName: string } | undefined> {
  if (config === undefined && model === undefined) return undefined;
  const { embeddedModelPath, loadModel } = await import("../backbone/model.ts");
  const { info } =
    model === undefined ? await loadModel(path ?? embeddedModelPath, { precision }) : await loadModel(model);
  return { modelId: info.modelId, modelName: info.name };
}

async function diffSnapshots(from: string, to: string, { json }: { readonly json: boolean }): Promise<void> {
  const { diffSaved } = await import("../app/snapshot-diff.ts");
  const diff = diffSaved(await readSaved(from), await readSaved(to));
  process.stdout.write(json ? `${JSON.stringify(diff)}\n` : describeDiff(diff));
}

async function readSaved(path: string): Promise<SavedFile> {
  const { decodeSaved } = await import("../app/snapshot-file.ts");
  return decodeSaved(await readInput(path));
}

/** @throws AppError `file/unwritable` */
async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  const { writeDurably } = await import("../edge/durable-file.ts");
  try {
    await writeDurably(dirname(path), basename(path), bytes);
  } catch (cause) {
    throw appError("file/unwritable", `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
