import { type Dataset, openDataset } from "../../dataset/dataset.ts";
import { appError } from "../../kernel/errors.ts";
import type { Scenario } from "../scenario.ts";
import { blurryScenario } from "./blurry.ts";
import { classesOf, type Sizes } from "./classes.ts";
import { driftScenario } from "./drift.ts";
import { folderScenario } from "./folders.ts";
import { gaussianScenario } from "./gaussian.ts";
import type { ScenarioName } from "./names.ts";
import { partsScenario } from "./parts.ts";
import { splitScenario } from "./split.ts";

type Build = (dataset: Dataset, sizes: Sizes, seed: number) => Scenario;

const splitTasks = 10;
/** As in Si-Blurry's experiments. */
const blurryTasks = 5;

/** What each scenario is made of; `parts` is drawn. */
const fromData: Readonly<Record<Exclude<ScenarioName, "parts">, Build>> = {
  "split-cifar100": ({ entries }, sizes, seed) => splitScenario(classesOf(entries, sizes), splitTasks, seed),
  "gaussian-cifar100": ({ entries }, sizes, seed) => gaussianScenario(classesOf(entries, sizes), splitTasks, seed),
  "blurry-cifar100": ({ entries }, sizes, seed) => blurryScenario(classesOf(entries, sizes), blurryTasks, seed),
  diverse: ({ entries }, sizes, seed) => folderScenario("diverse", entries, sizes, seed),
  drift: ({ entries }, sizes, seed) => driftScenario(classesOf(entries, sizes), seed),
  stationary: ({ entries }, sizes, seed) => ({
    ...splitScenario(classesOf(entries, sizes), 1, seed),
    name: "stationary",
  }),
  folders: ({ entries }, sizes, seed) => folderScenario("folders", entries, sizes, seed),
};

/** Scenarios of one name: a seed each, of the same images. */
export interface ScenarioSource {
  scenario(seed: number): Promise<Scenario>;
  close(): Promise<void>;
}

/**
 * @param path An ImageFolder tree or a tar of one; not needed for `parts`.
 * @throws AppError `evaluate/options` without data, `evaluate/data` for data that do not fit, and those of `openDataset`
 */
export async function openScenarios(
  name: ScenarioName,
  path: string | undefined,
  sizes: Sizes,
): Promise<ScenarioSource> {
  if (name === "parts") {
    return { scenario: (seed) => partsScenario(sizes, seed), close: () => Promise.resolve() };
  }
  if (path === undefined) throw appError("evaluate/options", `${name} needs --data`);
  const dataset = await openDataset(path);
  const build = fromData[name];
  return {
    scenario: (seed) => Promise.resolve().then(() => build(dataset, sizes, seed)),
    close: () => dataset.close(),
  };
}
