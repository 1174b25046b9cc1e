import { createRng, shuffled } from "../../kernel/rng.ts";
import { changedImage } from "../image.ts";
import { imageList, joinSegments, type Scenario } from "../scenario.ts";
import { type ClassImages, needClasses } from "./classes.ts";
import { clean, type Corruption, corruptionChange, mixCorruptions } from "./corruption.ts";

const domains = {
  clean,
  "dim light": { ...clean, light: 0.3 },
  "warm light": { ...clean, warmth: 1 },
  defocus: { ...clean, blur: 0.02 },
  noise: { ...clean, noise: 45 },
  compression: { ...clean, compression: 0.96 },
  rotation: { ...clean, rollDeg: 75 },
  occlusion: { ...clean, occlusion: 0.4 },
} satisfies Record<string, Corruption>;

type Domain = keyof typeof domains;

/** The camera's life: where it is, and whether it came there slowly. Light comes back once, clean pictures twice. */
const visits: readonly (readonly [domain: Domain, gradual?: "gradual"])[] = [
  ["clean"],
  ["dim light"],
  ["warm light", "gradual"],
  ["clean"],
  ["defocus", "gradual"],
  ["noise"],
  ["compression"],
  ["dim light"],
  ["rotation", "gradual"],
  ["occlusion"],
  ["clean", "gradual"],
];

/** A gradual change goes on for this share of its visit, in so many steps. */
const fadeShare = 0.5;
const fadeSteps = 10;

/** Classes that stay for the whole life. */
const driftClasses = 20;

/**
 * The same classes under changing conditions. Each training image comes once, so each visit has its own; the test images
 * are the same under every domain.
 */
export function driftScenario(classes: readonly ClassImages[], seed: number): Scenario {
  needClasses(classes, 2);
  const rng = createRng(seed);
  const chosen = shuffled(classes, rng).slice(0, driftClasses);
  const { images, add } = imageList();
  const train = shuffled(
    chosen.flatMap((images) => images.train),
    rng,
  );
  const parts = visits.map(([domain, gradual], visit) => {
    const frames = train.slice(share(visit, train.length), share(visit + 1, train.length));
    const before = domains[visits[visit - 1]?.[0] ?? domain];
    const stream = frames.map((image, i) => {
      const step = gradual
        ? Math.min(1, Math.ceil((fadeSteps * (i + 1)) / (fadeShare * frames.length)) / fadeSteps)
        : 1;
      return add(changedImage(image, corruptionChange(mixCorruptions(before, domains[domain], step))));
    });
    return { name: domain, stream };
  });
  const test = chosen.flatMap((images) => images.test);
  const tests = (Object.keys(domains) as Domain[]).map((domain) => ({
    name: domain,
    images: test.map((image) => add(changedImage(image, corruptionChange(domains[domain])))),
    learnedIn: visits.findIndex(([visited]) => visited === domain),
  }));
  return { name: "drift", images, ...joinSegments(parts), tests };
}

function share(visit: number, frames: number): number {
  return Math.round((visit * frames) / visits.length);
}
