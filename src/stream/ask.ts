import { z } from "zod";
import { createRng } from "../kernel/rng.ts";
import type { Prediction } from "../learner/types.ts";
import type { StreamSettings } from "./settings.ts";

/** How much a label would teach of a frame like this, 0…1: how near the runner-up is, or how novel the frame looks. */
export function doubtOf({ top, novelty }: Pick<Prediction, "top" | "novelty">): number {
  const [first, second] = top;
  const margin = (first?.[1] ?? 0) - (second?.[1] ?? 0);
  const strange = novelty?.rank ?? 0;
  return Math.max(1 - margin, strange);
}

/** JSON. */
export interface AskerState {
  /** Labels that may be asked for now. */
  readonly saved: number;
  /** When that was, ms. */
  readonly at: number;
  /** The latest frames' doubts, oldest first. */
  readonly doubts: readonly number[];
  /** Time between frames in the mean, ms. */
  readonly gapMs: number;
  readonly rng: readonly number[];
}

/** Decides which frames ask for their labels. */
export interface Asker {
  /** @param now ms; a clock that was set back counts as standing still. */
  wants(doubt: number, now: number): boolean;
  /** A copy. */
  save(): AskerState;
}

/** JSON, from a checkpoint. */
export const askerStateSchema: z.ZodType<AskerState> = z.object({
  saved: z.number().min(0),
  at: z.number(),
  doubts: z.array(z.number()),
  gapMs: z.number().min(0),
  rng: z.array(z.int().min(0)).length(4),
});

const hourMs = 3_600_000;
/** The budget of so long can be saved up, and spent at once. */
const savingMs = hourMs / 12;
/** Frames that a doubt is compared with. */
const memory = 256;
/** Of a pause between frames, only so much tells how often they come, ms. */
const longestGapMs = 60_000;
const spread = 0.1;

/**
 * A frame asks when its doubt is among the largest of the latest frames: as large a share of them as the budget allows at
 * the rate they come. Doubts are blurred by chance, so that frames of which the learner is wrongly sure are asked for now
 * and then (variable uncertainty with randomisation, Žliobaitė et al. 2014); here the limit is the quantile itself, not
 * a step towards it. What was not spent is saved, five minutes' worth at most, and makes the share larger, so that it is spent
 * when doubts fall as well; the budget goes evenly over the hour, and never by more than what was saved above it.
 */
export function asker(settings: Pick<StreamSettings, "asksPerHour">, from?: AskerState): Asker {
  const rng = createRng(from?.rng ?? 1);
  let saved = from?.saved ?? 1;
  let at = from?.at;
  let gapMs = from?.gapMs ?? 0;
  let doubts = [...(from?.doubts ?? [])];

  const most = (): number => Math.max(1, (settings.asksPerHour * savingMs) / hourMs);

  /** Share of the frames that may ask now, 0…1. */
  function share(): number {
    return Math.min(1, ((settings.asksPerHour * gapMs) / hourMs) * (1 + saved));
  }

  return {
    wants(doubt, now) {
      const { asksPerHour } = settings;
      if (asksPerHour === 0) return false;
      const passed = Math.max(0, now - (at ?? now));
      at = Math.max(at ?? now, now);
      saved = Math.min(most(), saved + (asksPerHour * passed) / hourMs);
      if (doubts.length > 0) gapMs += (Math.min(passed, longestGapMs) - gapMs) / doubts.length;
      const blurred = doubt * (1 + spread * rng.normal());
      doubts = [...doubts, blurred].slice(-memory);
      const larger = doubts.filter((other) => other > blurred).length;
      if (saved < 1 || larger >= Math.max(1, share() * doubts.length)) return false;
      saved -= 1;
      return true;
    },
    save: () => ({ saved, at: at ?? 0, doubts: [...doubts], gapMs, rng: rng.state() }),
  };
}
