import { basename } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import type { Installed } from "../models/install.ts";
import type { OnRounded } from "../models/product-errors.ts";
import { progress, type Progress } from "./terminal.ts";

/** Where models are installed and found by name. */
export function modelsOption(): Option {
  return new Option(
    "--models <folder>",
    "where models are installed; default: $XDG_DATA_HOME/l2p-edge/models, else ~/.local/share/l2p-edge/models",
  );
}

/** What weights can be rounded to. */
export function precisionOption(meaning: string): Option {
  return new Option("--precision <name>", meaning).choices(["fp16", "int8"]);
}

/** A bar for as long as weights are rounded, which is there once something is to be told. */
export function roundingBar(): { readonly update: OnRounded; readonly stop: () => void } {
  let bar: Progress | undefined;
  return {
    update: (done, total) => (bar ??= progress("try int8, pictures", total)).update(done),
    stop: () => bar?.stop(),
  };
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
export function tellInstalled(installed: Installed, isFoundByName: boolean, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(installedFacts(installed))}\n`);
    return;
  }
  const { folder, manifest, notes } = installed;
  const { name, sha256, architecture } = manifest;
  for (const note of notes) process.stderr.write(`  ${note}\n`);
  const isVariant = manifest.precision !== undefined && basename(folder) === manifest.precision;
  const byName = isVariant ? `${name}/${manifest.precision}` : name;
  process.stderr.write(`  use it: --model ${isFoundByName ? byName : folder}\n`);
  process.stdout.write(`${name}: ${architecture.imageSize} px, in ${folder}, sha256 ${sha256}\n`);
}

/** What programs are told of it. */
export function installedFacts({ folder, manifest, notes }: Installed): object {
  return { name: manifest.name, folder, sha256: manifest.sha256, notes };
}
