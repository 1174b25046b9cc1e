import { appError } from "../kernel/errors.ts";
import { createRng } from "../kernel/rng.ts";
import type { Condition } from "./condition.ts";
import type { PartName } from "./parts.ts";
import { render } from "./render.ts";
import { type Schedule, momentAt } from "./schedule.ts";

/** One picture of a part, with what was true when it was taken. */
export interface SceneFrame {
  /** From 0. */
  readonly index: number;
  readonly jpeg: Uint8Array;
  readonly label: PartName;
  /** The phase's name. */
  readonly phase: string;
  readonly condition: Condition;
}

export interface SceneOptions {
  /** A camera of its own: pictures, order of parts, dirt on the lens. */
  readonly seed: number;
  readonly schedule: Schedule;
  /** Default 128. */
  readonly sidePx?: number;
}

/** A camera over a belt that the product draws itself. */
export interface Scene {
  /** Frame `index` (from 0), without those before it. Same seed and index, same bytes (on one machine). */
  frame(index: number): Promise<SceneFrame>;
  /** The next one; the first is frame 0. */
  next(): Promise<SceneFrame>;
}

/** @throws AppError `scene/no-parts` for a phase without parts. */
export function createScene({ seed, schedule, sidePx = 128 }: SceneOptions): Scene {
  const empty = schedule.phases.find((phase) => phase.parts.length === 0);
  if (empty) throw appError("scene/no-parts", `the phase "${empty.name}" names no part`);
  let upcoming = 0;
  async function frame(index: number): Promise<SceneFrame> {
    const { phase, condition } = momentAt(schedule, index);
    const burst = Math.floor(index / (schedule.burst ?? 1));
    const choice = createRng(mixSeed(seed, 2 * burst)).int(phase.parts.length);
    const label = phase.parts[choice]!;
    const rng = createRng(mixSeed(seed, 2 * index + 1));
    const jpeg = await render({ part: label, condition, rng, lensSeed: seed, sidePx });
    return { index, jpeg, label, phase: phase.name, condition };
  }
  return { frame, next: () => frame(upcoming++) };
}

/** One seed for each pair: neighbours share nothing. */
function mixSeed(seed: number, stream: number): number {
  return Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35);
}
