import { type Condition, dayShift, mix, nightShift } from "./condition.ts";
import { type PartName, partNames } from "./parts.ts";

/** A stretch of a camera's life: which parts come by, and under which condition. */
export interface Phase {
  /** Said in the events and in reports, e.g. `night shift`. */
  readonly name: string;
  /** How long it lasts; the last phase goes on for ever. */
  readonly frames: number;
  readonly parts: readonly PartName[];
  readonly condition: Condition;
  /** Frames over which the condition moves here from the one before; 0 or absent is abrupt. */
  readonly fadeFrames?: number;
}

export interface Schedule {
  readonly phases: readonly [Phase, ...Phase[]];
  /** Frames in a row that show the same type: a feeder's burst; 1 or absent is one by one. */
  readonly burst?: number;
}

/** Where frame `index` (from 0) stands in its schedule. */
export interface Moment {
  readonly phase: Phase;
  readonly phaseIndex: number;
  readonly condition: Condition;
}

export function momentAt(schedule: Schedule, index: number): Moment {
  let start = 0;
  let phaseIndex = 0;
  while (phaseIndex < schedule.phases.length - 1 && index >= start + schedule.phases[phaseIndex]!.frames) {
    start += schedule.phases[phaseIndex]!.frames;
    phaseIndex += 1;
  }
  const phase = schedule.phases[phaseIndex]!;
  const before = schedule.phases[phaseIndex - 1];
  const fade = phase.fadeFrames ?? 0;
  const share = fade > 0 ? (index - start + 1) / fade : 1;
  const condition = before && share < 1 ? mix(before.condition, phase.condition, share) : phase.condition;
  return { phase, phaseIndex, condition };
}

/**
 * The demo's story: four types, then eight; the night shift comes at once, with yellow light and a dirty lens; day again,
 * with nothing new, so that one sees what was kept; more new types; at last the belt turns blue little by little.
 * @param frames Length of the story (the last phase goes on).
 */
export function demoSchedule(frames: number): Schedule {
  const share = (part: number): number => Math.max(1, Math.round(frames * part));
  return {
    phases: [
      { name: "day shift", frames: share(0.18), parts: first(4), condition: dayShift },
      { name: "new parts", frames: share(0.2), parts: first(8), condition: dayShift },
      { name: "night shift, dirty lens", frames: share(0.22), parts: first(8), condition: nightShift },
      { name: "day again", frames: share(0.1), parts: first(8), condition: dayShift },
      { name: "more new parts", frames: share(0.14), parts: first(10), condition: dayShift },
      {
        name: "blue belt",
        frames: share(0.16),
        parts: first(10),
        condition: { ...dayShift, belt: "blue" },
        fadeFrames: share(0.08),
      },
    ],
  };
}

function first(count: number): readonly PartName[] {
  return partNames.slice(0, count);
}
