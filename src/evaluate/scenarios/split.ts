import { createRng, shuffled } from "../../kernel/rng.ts";
import { imageList, joinSegments, type Scenario } from "../scenario.ts";
import { type ClassImages, needClasses } from "./classes.ts";

/**
 * Class-incremental learning with clean boundaries (L2P, section 5.1, Split CIFAR-100): the classes, in an order by the
 * seed, are dealt to tasks of equal size; each task's images come shuffled, once.
 */
export function splitScenario(classes: readonly ClassImages[], tasks: number, seed: number): Scenario {
  needClasses(classes, tasks);
  const rng = createRng(seed);
  const ordered = shuffled(classes, rng);
  const { images, addAll } = imageList();
  const groups = Array.from({ length: tasks }, (_, task) =>
    ordered.slice(Math.round((task * ordered.length) / tasks), Math.round(((task + 1) * ordered.length) / tasks)),
  );
  const parts = groups.map((group, task) => ({
    name: `task ${task + 1}`,
    stream: shuffled(addAll(group.flatMap(({ train }) => train)), rng),
  }));
  const tests = groups.map((group, task) => ({
    name: `task ${task + 1}`,
    images: addAll(group.flatMap(({ test }) => test)),
    learnedIn: task,
  }));
  return { name: "split-cifar100", images, ...joinSegments(parts), tests };
}
