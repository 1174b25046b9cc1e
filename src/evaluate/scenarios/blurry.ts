import { createRng, type Rng, shuffled } from "../../kernel/rng.ts";
import { imageList, joinSegments, type Scenario } from "../scenario.ts";
import { type ClassImages, needClasses } from "./classes.ts";

/** Share of the classes that come in one task only; the others are blurred. */
const disjointShare = 0.5;
/** Share of a blurred class's images that come in any task. */
const blurredShare = 0.1;

/**
 * Si-Blurry (Moon et al. 2023, section 3): half of the classes are disjoint, the other half has 10 % of its images spread
 * over all tasks; how many classes of either kind a task has is random. The images of a task come shuffled.
 * A class is tested with the task that has most of it.
 */
export function blurryScenario(classes: readonly ClassImages[], tasks: number, seed: number): Scenario {
  needClasses(classes, 2 * tasks);
  const rng = createRng(seed);
  const ordered = shuffled(classes, rng);
  const disjointCount = Math.round(disjointShare * ordered.length);
  const { images, addAll } = imageList();
  const disjoint = dealt(ordered.slice(0, disjointCount), tasks, rng);
  const blurry = dealt(ordered.slice(disjointCount), tasks, rng);

  const spread: number[] = [];
  const streams = disjoint.map((group, task) => {
    const own = addAll(group.flatMap(({ train }) => train));
    const blurred = shuffled(addAll(blurry[task]!.flatMap(({ train }) => train)), rng);
    const leaving = Math.round(blurredShare * blurred.length);
    spread.push(...blurred.slice(0, leaving));
    return [...own, ...blurred.slice(leaving)];
  });
  shuffled(spread, rng).forEach((index, i) => streams[i % tasks]!.push(index));

  const parts = streams.map((stream, task) => ({ name: `task ${task + 1}`, stream: shuffled(stream, rng) }));
  const tests = disjoint.map((group, task) => ({
    name: `task ${task + 1}`,
    images: addAll([...group, ...blurry[task]!].flatMap(({ test }) => test)),
    learnedIn: task,
  }));
  return { name: "blurry-cifar100", images, ...joinSegments(parts), tests };
}

/** The items cut at random into `parts`, none empty. */
function dealt<T>(items: readonly T[], parts: number, rng: Rng): T[][] {
  const places = Array.from({ length: items.length - 1 }, (_, i) => i + 1);
  const cuts = [0, ...shuffled(places, rng).slice(0, parts - 1), items.length].toSorted((a, b) => a - b);
  return Array.from({ length: parts }, (_, part) => items.slice(cuts[part], cuts[part + 1]));
}
