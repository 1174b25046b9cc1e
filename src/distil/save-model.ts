import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../backbone/manifest.ts";
import { writeDurably } from "../edge/durable-file.ts";
import { fromFloat32 } from "../kernel/dtype.ts";
import { encodeSafetensors } from "../kernel/safetensors.ts";
import { type ParameterLayout, toWeights } from "./parameters.ts";
import type { Recipe } from "./recipe.ts";
import type { LogEntry } from "./training-log.ts";

/** What a distilled model's manifest says beside its recipe. */
export interface Provenance {
  /** Name of the teacher. */
  readonly distilledFrom: string;
  readonly trainedOn: string;
}

/** Writes a model folder: model.safetensors (fp16), manifest.json, and training.json with the curves. */
export async function saveModel(
  folder: string,
  layout: ParameterLayout,
  weights: Float32Array,
  { recipe, provenance, log }: { recipe: Recipe; provenance: Provenance; log: readonly LogEntry[] },
): Promise<Manifest> {
  const stored = [...toWeights(layout, weights)].map(([name, tensor]) => [name, fromFloat32(tensor, "F16")] as const);
  const file = encodeSafetensors(new Map(stored));
  const { mean, std } = recipe.normalisation;
  const manifest: Manifest = {
    v: 1,
    name: recipe.name,
    architecture: recipe.architecture,
    sha256: createHash("sha256").update(file).digest("hex"),
    mean: [mean[0]!, mean[1]!, mean[2]!],
    std: [std[0]!, std[1]!, std[2]!],
    resize: "cover",
    kernel: "cubic",
    licence: "MIT",
    source: "Trained for l2p-edge from random weights by `l2p-edge distil train`; see models/README.md.",
    ...provenance,
  };
  const { name: _, architecture: __, ...settings } = recipe;
  const curves = { recipe: settings, parameters: layout.size, log: log.map(rounded) };
  await mkdir(folder, { recursive: true });
  // INVARIANT: a manifest lies beside its own weights or beside none.
  await rm(join(folder, "manifest.json"), { force: true });
  const text = (value: string): Uint8Array => Buffer.from(value);
  await writeDurably(folder, "model.safetensors", file);
  await writeDurably(folder, "training.json", text(trainingJson(curves)));
  await writeDurably(folder, "manifest.json", text(`${JSON.stringify(manifest, null, 2)}\n`));
  return manifest;
}

/** One log entry a line: small, and readable in a diff. */
function trainingJson({ log, ...head }: { log: readonly object[]; recipe: object; parameters: number }): string {
  const lines = log.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n");
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "log": [\n${lines}\n  ]\n}\n`;
}

function rounded(entry: LogEntry): object {
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, Number((value as number).toFixed(4))]));
}
