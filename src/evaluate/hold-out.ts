import { appError } from "../kernel/errors.ts";
import { createRng, shuffled } from "../kernel/rng.ts";
import type { Scenario } from "./scenario.ts";

/** Classes that a method must know before others can be unlike them. */
const leastKnown = 2;

/**
 * The scenario with some classes, by the seed, whose frames come and are never labelled: what a method should call unknown.
 * They are tested nowhere: there is no right answer.
 * @throws AppError `evaluate/options` where too few classes are left
 */
export function holdOut(scenario: Scenario, count: number, seed: number): Scenario {
  if (count === 0) return scenario;
  const { images, stream, tests } = scenario;
  const labels = [...new Set(stream.map((image) => images[image]!.label))].toSorted();
  if (labels.length - count < leastKnown) {
    throw appError(
      "evaluate/options",
      `--hold-out ${count} leaves ${labels.length - count} of ${labels.length} classes`,
    );
  }
  // Not the draw by which scenarios order the classes: those would all be of the first tasks.
  const out = new Set(shuffled(labels, createRng(seed ^ 0x401d)).slice(0, count));
  const isOut = (image: number): boolean => out.has(images[image]!.label);
  const kept = tests
    .map((test) => ({ ...test, images: test.images.filter((image) => !isOut(image)) }))
    .filter((test) => test.images.length > 0);
  return { ...scenario, tests: kept, unlabelled: new Set(stream.filter(isOut)) };
}
