import { createRng, shuffled } from "../../kernel/rng.ts";
import { equalSegments, imageList, type Scenario } from "../scenario.ts";
import { type ClassImages, needClasses } from "./classes.ts";

/** Standard deviation of a class's density, as a share of the stream: about a tenth of the classes come at a time. */
export const gaussianDeviation = 0.03;

/**
 * No boundaries: each class's density over time is a Gaussian, their peaks at equal distances, in an order by the seed
 * (the schedule of Shanahan et al. 2021, as in L2P, section 5.3). Each image draws a time from its class's Gaussian; the
 * stream is their order. Segments and test sets (classes by their peak) are for the matrix alone.
 */
export function gaussianScenario(classes: readonly ClassImages[], groups: number, seed: number): Scenario {
  needClasses(classes, groups);
  const rng = createRng(seed);
  const ordered = shuffled(classes, rng);
  const { images, add, addAll } = imageList();
  const timed = ordered.flatMap(({ train }, c) => {
    const peak = (c + 0.5) / ordered.length;
    return train.map((image) => ({ index: add(image), time: peak + gaussianDeviation * rng.normal() }));
  });
  const stream = timed.toSorted((a, b) => a.time - b.time).map(({ index }) => index);
  const tests = Array.from({ length: groups }, (_, group) => ({
    name: `classes ${group + 1}`,
    images: addAll(
      ordered.filter((_, c) => Math.floor(((c + 0.5) * groups) / ordered.length) === group).flatMap(({ test }) => test),
    ),
    learnedIn: group,
  }));
  const segments = equalSegments(stream.length, groups, (i) => `part ${i + 1}`);
  return { name: "gaussian-cifar100", images, stream, segments, tests };
}
