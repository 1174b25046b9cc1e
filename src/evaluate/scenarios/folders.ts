import type { DatasetEntry } from "../../dataset/dataset.ts";
import { appError } from "../../kernel/errors.ts";
import { createRng, shuffled } from "../../kernel/rng.ts";
import { groupBy } from "../group-by.ts";
import { imageList, joinSegments, type Scenario } from "../scenario.ts";
import { classesOf, type Sizes } from "./classes.ts";

/**
 * One folder after another, in the order of their names: `<folder>/<class>/<file>`, or with `train` and `test` between.
 * Folders with classes of their own are tasks; classes of the same name are the same, so folders that share them are
 * domains.
 * @throws AppError `evaluate/data` for a tree without such folders
 */
export function folderScenario(name: string, entries: readonly DatasetEntry[], sizes: Sizes, seed: number): Scenario {
  const rng = createRng(seed);
  const { images, addAll } = imageList();
  const byFolder = groupBy(entries, topFolder);
  const folders = [...byFolder.keys()].toSorted();
  const parts = folders.map((folder) => {
    const classes = classesOf(byFolder.get(folder)!, sizes);
    const train = addAll(classes.flatMap((images) => images.train));
    return { name: folder, stream: shuffled(train, rng), test: addAll(classes.flatMap((images) => images.test)) };
  });
  const tests = parts.map(({ name: folder, test }, task) => ({ name: folder, images: test, learnedIn: task }));
  return { name, images, ...joinSegments(parts), tests };
}

function topFolder({ name }: DatasetEntry): string {
  const parts = name.split("/");
  if (parts.length < 3 || parts[0] === "train" || parts[0] === "test") {
    throw appError("evaluate/data", `${name} lies in no folder of a task or domain`);
  }
  return parts[0]!;
}
