import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { writeDurably } from "../edge/durable-file.ts";
import { readNumbers, storeNumbers } from "../kernel/dtype.ts";
import { appError } from "../kernel/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../kernel/safetensors.ts";
import type { AdamWState } from "./adamw.ts";
import type { LogEntry } from "./training-log.ts";

/** Everything that a stopped training needs to go on as if it had not stopped. */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** Time spent training, over all runs. */
  readonly seconds: number;
  readonly weights: Float32Array;
  readonly optimiser: AdamWState;
  readonly log: readonly LogEntry[];
}

/** `recipe` is whatever the training must agree on, as text: a checkpoint of another is refused. */
export async function writeCheckpoint(path: string, recipe: string, checkpoint: Checkpoint): Promise<void> {
  const { step, seconds, weights, optimiser, log } = checkpoint;
  const shape = [weights.length];
  const bytes = encodeSafetensors(
    new Map([
      ["weights", storeNumbers(weights, shape)],
      ["first", storeNumbers(optimiser.first, shape)],
      ["second", storeNumbers(optimiser.second, shape)],
    ]),
    new Map([
      ["recipe", recipe],
      ["progress", JSON.stringify({ step, seconds, log })],
    ]),
  );
  await writeDurably(dirname(path), basename(path), bytes);
}

/** Undefined when there is none. @throws AppError `distil/checkpoint` for one of another recipe. */
export async function readCheckpoint(path: string, recipe: string): Promise<Checkpoint | undefined> {
  let file: Uint8Array;
  try {
    file = await readFile(path);
  } catch (error) {
    // Whatever else is wrong: hours of training are in it.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
  const { metadata, tensors } = decodeSafetensors(file);
  if (metadata.get("recipe") !== recipe) throw appError("distil/checkpoint", `${path} was trained by another recipe`);
  const numbers = (name: string): Float32Array => Float32Array.from(readNumbers(tensors.get(name)!));
  const { step, seconds, log } = JSON.parse(metadata.get("progress")!) as Pick<Checkpoint, "step" | "seconds" | "log">;
  return {
    step,
    seconds,
    log,
    weights: numbers("weights"),
    optimiser: { first: numbers("first"), second: numbers("second") },
  };
}
