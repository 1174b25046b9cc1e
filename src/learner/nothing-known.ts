import type { BackboneInfo } from "../backbone/engine.ts";
import { createRng } from "../kernel/rng.ts";
import { freshCalibration } from "./calibration.ts";
import { noClasses } from "./classes.ts";
import { freshCombination } from "./combine.ts";
import { freshEffort } from "./effort.ts";
import { createHead } from "./head.ts";
import { createPool } from "./pool.ts";
import type { LearnerSettings } from "./settings.ts";
import type { Knowledge } from "./state.ts";
import { emptyStatistics } from "./statistics.ts";

/** What a learner begins with. Chance is used up here. */
export function nothingKnown(settings: LearnerSettings, { width }: BackboneInfo, seed: number): Knowledge {
  return {
    poolVersion: 0,
    classes: noClasses,
    keysPending: settings.pool.keyInit.kind === "first-features",
    pool: createPool(settings.pool, width, createRng(seed)),
    head: createHead(width),
    uses: new Float64Array(settings.pool.size),
    statistics: emptyStatistics(),
    combination: freshCombination(settings.heads, settings.combine),
    effort: freshEffort,
    calibration: freshCalibration(),
    knownScores: new Float64Array(0),
  };
}
