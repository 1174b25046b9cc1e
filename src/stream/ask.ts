import { z } from "zod";
import { createRng } from "../kernel/rng.ts";
import type { Prediction } from "../learner/types.ts";
import type { StreamSettings } from "./settings.ts";

/**
 * How much a label would teach of a frame like this, 0…1: how near the runner-up is (best against second best; Settles 2009,
 * section 3.1), as a ratio: what is left for labels never seen does not count. Novel looks are no better reason: frames far from
 * all classes are mostly odd ones of known classes, of which little is learned.
 */
export function doubtOf({ top }: Pick<Prediction, "top">): number {
  const [first, second] = top;
  return first && second ? second[1] / Math.max(first[1], Number.MIN_VALUE) : 1;
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
  /** What was predicted for the latest frames that asked, oldest first. */
  readonly asked: readonly (string | null)[];
  readonly rng: readonly number[];
}

export interface Doubted {
  /** What was predicted. */
  readonly label: string | null;
  /** See `doubtOf`. */
  readonly doubt: number;
}

/** Decides which frames ask for their labels. */
export interface Asker {
  /** @param now ms; a clock that was set back counts as standing still. */
  wants(prediction: Doubted, now: number): boolean;
  /** A copy. */
  save(): AskerState;
}

/** JSON, from a checkpoint. */
export const askerStateSchema: z.ZodType<AskerState> = z.object({
  saved: z.number().min(0),
  at: z.number(),
  doubts: z.array(z.number()),
  gapMs: z.number().min(0),
  asked: z.array(z.string().nullable()),
  rng: z.array(z.int().min(0)).length(4),
});

const hourMs = 3_600_000;
/** The budget of so long can be saved up, and spent at once. */
const savingMs = hourMs / 12;
/** Frames that a doubt is compared with: few, since doubts fall while the learner learns. */
const memory = 64;
/** Frames that have asked lately: what looks like them waits for their labels. */
const askedMemory = 8;
/** Of a pause between frames, only so much tells how often they come, ms. */
const longestGapMs = 60_000;
const spread = 0.1;

/**
 * A frame asks when its doubt is among the largest of the latest frames: as large a share of them as the budget allows at
 * the rate they come. Doubts are blurred by chance, so that frames of which the learner is wrongly sure are asked for now
 * and then (variable uncertainty with randomisation, Žliobaitė et al. 2014); here the limit is the quantile itself, not
 * a step towards it. A label that was predicted for frames that asked just now counts the less the more often: what looks alike
 * would be asked for again before the first of its labels came. What was not spent is saved, five minutes' worth at most, and makes the share larger, so that it is spent
 * when doubts fall as well; the budget goes evenly over the hour, and never by more than what was saved above it.
 */
export function asker(settings: Pick<StreamSettings, "asksPerHour">, from?: AskerState): Asker {
  const rng = createRng(from?.rng ?? 1);
  let saved = from?.saved ?? 1;
  let at = from?.at;
  let gapMs = from?.gapMs ?? 0;
  let doubts = [...(from?.doubts ?? [])];
  let asked = [...(from?.asked ?? [])];

  const most = (): number => Math.max(1, (settings.asksPerHour * savingMs) / hourMs);

  /** Share of the frames that may ask now, 0…1. */
  function share(): number {
    return Math.min(1, ((settings.asksPerHour * gapMs) / hourMs) * (1 + saved));
  }

  return {
    wants({ label, doubt }, now) {
      const { asksPerHour } = settings;
      if (asksPerHour === 0) return false;
      const passed = Math.max(0, now - (at ?? now));
      at = Math.max(at ?? now, now);
      saved = Math.min(most(), saved + (asksPerHour * passed) / hourMs);
      if (doubts.length > 0) gapMs += (Math.min(passed, longestGapMs) - gapMs) / doubts.length;
      const alike = label === null ? 0 : asked.filter((other) => other === label).length;
      const blurred = (doubt / (1 + alike)) * (1 + spread * rng.normal());
      doubts = [...doubts, blurred].slice(-memory);
      const larger = doubts.filter((other) => other > blurred).length;
      if (saved < 1 || larger >= Math.max(1, share() * doubts.length)) return false;
      saved -= 1;
      asked = [...asked, label].slice(-askedMemory);
      return true;
    },
    save: () => ({ saved, at: at ?? 0, doubts: [...doubts], gapMs, asked: [...asked], rng: rng.state() }),
  };
}
