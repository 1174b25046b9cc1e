import type { DatasetEntry } from "../../dataset/dataset.ts";
import { appError } from "../../kernel/errors.ts";
import { createRng, shuffled } from "../../kernel/rng.ts";
import { groupBy } from "../group-by.ts";
import { fileImage, type ScenarioImage } from "../image.ts";

/** The images of one class. */
export interface ClassImages {
  readonly label: string;
  readonly train: readonly ScenarioImage[];
  readonly test: readonly ScenarioImage[];
}

export interface Sizes {
  /** Training images of each class at most; undefined for all. */
  readonly perClass: number | undefined;
  /** Test images of each class, and test set, at most; undefined for all. */
  readonly testPerClass: number | undefined;
}

/** Not a run's seed: all runs draw the same subset, so that they compare and features are computed once. */
const subsetSeed = 20_221;
const heldOutShare = 0.2;

/**
 * A data set's classes, sorted, with the images of its folders `train` and `test`. Without such folders, a fifth of each
 * class (at least one image) is held out for testing.
 * @throws AppError `evaluate/data` where a class has no image to train or none to test on.
 */
export function classesOf(entries: readonly DatasetEntry[], { perClass, testPerClass }: Sizes): ClassImages[] {
  const byLabel = groupBy(entries, ({ label }) => label);
  return [...byLabel.keys()].toSorted().map((label) => {
    const all = shuffled(byLabel.get(label)!, createRng(subsetSeed));
    const stated = all.filter((entry) => inFolder(entry, "test"));
    const heldOut = Math.max(1, Math.round(heldOutShare * all.length));
    const test = stated.length > 0 ? stated : all.slice(0, heldOut);
    const train = stated.length > 0 ? all.filter((entry) => !inFolder(entry, "test")) : all.slice(heldOut);
    if (train.length === 0 || test.length === 0) {
      throw appError("evaluate/data", `class "${label}" has ${train.length} training and ${test.length} test images`);
    }
    return {
      label,
      train: train.slice(0, perClass).map(fileImage),
      test: test.slice(0, testPerClass).map(fileImage),
    };
  });
}

function inFolder({ name }: DatasetEntry, folder: string): boolean {
  return name.split("/").slice(0, -1).includes(folder);
}

/** @throws AppError `evaluate/data` for fewer classes than that. */
export function needClasses(classes: readonly ClassImages[], least: number): void {
  if (classes.length < least) {
    throw appError("evaluate/data", `the data has ${classes.length} classes; this needs at least ${least}`);
  }
}
