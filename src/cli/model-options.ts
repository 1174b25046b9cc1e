import { basename } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import type { Installed } from "../models/install.ts";

/** Where models are installed and found by name. */
export function modelsOption(): Option {
  return new Option(
    "--models <folder>",
    "where models are installed; default: $XDG_DATA_HOME/l2p-edge/models, else ~/.local/share/l2p-edge/models",
  );
}

/** Three numbers, for red, green and blue. */
export function channels(least: number): (text: string) => [number, number, number] {
  return (text) => {
    const [red = NaN, green = NaN, blue = NaN, ...more] = text.split(",").map((part) => Number(part.trim() || NaN));
    if (more.length > 0 || ![red, green, blue].every((value) => Number.isFinite(value) && value >= least)) {
      throw new InvalidArgumentError("three numbers like 0.485,0.456,0.406.");
    }
    return [red, green, blue];
  };
}

/**
 * Tells what a person should know on stderr, and what there is now on stdout.
 * @param isFoundByName It is where names are looked up.
 */
export function tellInstalled({ folder, manifest, notes }: Installed, isFoundByName: boolean, json: boolean): void {
  const { name, sha256, architecture } = manifest;
  if (json) {
    process.stdout.write(`${JSON.stringify({ name, folder, sha256, notes })}\n`);
    return;
  }
  for (const note of notes) process.stderr.write(`  ${note}\n`);
  const isVariant = manifest.precision !== undefined && basename(folder) === manifest.precision;
  const byName = isVariant ? `${name}/${manifest.precision}` : name;
  process.stderr.write(`  use it: --model ${isFoundByName ? byName : folder}\n`);
  process.stdout.write(`${name}: ${architecture.imageSize} px, in ${folder}, sha256 ${sha256}\n`);
}
