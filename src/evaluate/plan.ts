import { createRng, shuffled } from "../kernel/rng.ts";
import type { Scenario } from "./scenario.ts";

/** How a stream is played. */
export interface Protocol {
  /** `single-pass`: each image once. `paper`: each segment's images several times before the next. */
  readonly kind: "single-pass" | "paper";
  /** Most frames, and most labels, at a time. */
  readonly batch: number;
  /** Share of the frames that get a label, > 0…1. */
  readonly labelShare: number;
  /** Which frames get one: random ones; those for which the method asks; or those for which chance asks by the same budget. */
  readonly labels: "random" | "asked" | "by-chance";
  /** Frames between a frame and its label. */
  readonly labelDelay: number;
  /** How often the stream is stopped for a test, at equal distances, besides the segments' ends. */
  readonly stops: number;
}

/** As in L2P, section 5.1. */
export const paperEpochs = 5;

/** What a method asks of the order; everything else is the scenario's. */
export interface Order {
  /** `shuffled`: all images at once, identically distributed, in one segment: for upper bounds. */
  readonly order: "stream" | "shuffled";
  readonly epochs: number;
}

/** What happens at once. Numbers are places in the stream. */
export interface Turn {
  /** Frames that come now, in their order: they are predicted, and scored. */
  readonly frames: readonly number[];
  /** Frames whose labels come now: they are learned, after the predictions. */
  readonly labels: readonly number[];
  /** The segment that ends with this turn, or null. */
  readonly endsSegment: number | null;
  /** One of the stops at equal distances. The test sets are predicted there, and at segments' ends. */
  readonly stop: boolean;
}

/**
 * All turns of a run; the same for the same scenario, protocol, order and seed. Labels that are asked for are in none: what is
 * asked for shows as it is played.
 */
export function planTurns(
  scenario: Pick<Scenario, "stream" | "segments" | "unlabelled">,
  protocol: Protocol,
  { order, epochs }: Order,
  seed: number,
): Turn[] {
  const rng = createRng(seed ^ 0x1abe1);
  const places = scenario.stream.map((_, place) => place);
  const isLabelled = scenario.stream.map((image) => {
    return rng.uniform() < protocol.labelShare && protocol.labels === "random" && !scenario.unlabelled?.has(image);
  });
  const whole = [{ places: shuffled(places, rng) }];
  const segments =
    order === "shuffled"
      ? whole
      : slices(
          places,
          scenario.segments.map(({ end }) => end),
        );
  const length = places.length;
  const turns: Turn[] = [];
  let seen = 0;
  let waiting: { place: number; due: number }[] = [];
  const due = (now: number): number[] => {
    const ready = waiting.filter((label) => label.due <= now).map(({ place }) => place);
    waiting = waiting.filter((label) => label.due > now);
    return ready;
  };

  segments.forEach(({ places: inSegment }, segment) => {
    for (const frames of chunks(inSegment, protocol.batch)) {
      const stopsBefore = Math.floor((seen * protocol.stops) / length);
      for (const place of frames) {
        seen += 1;
        if (isLabelled[place]) waiting.push({ place, due: seen + protocol.labelDelay });
      }
      const stop = epochs === 1 && order === "stream" && Math.floor((seen * protocol.stops) / length) > stopsBefore;
      turns.push({ frames, labels: due(seen), endsSegment: null, stop });
    }
    const known = inSegment.filter((place) => isLabelled[place]);
    for (let epoch = 1; epoch < epochs; epoch++) {
      for (const labels of chunks(shuffled(known, rng), protocol.batch)) turns.push(learning(labels));
    }
    if (segment === segments.length - 1) turns.push(...chunks(due(Infinity), protocol.batch).map(learning));
    const last = turns.pop();
    if (last) turns.push({ ...last, endsSegment: segment });
  });
  return moveLastStop(turns);
}

/** A stop after the last frame comes after the labels that were late. */
function moveLastStop(turns: readonly Turn[]): Turn[] {
  const last = turns.findLastIndex(({ frames }) => frames.length > 0);
  return turns.map((turn, i) => {
    if (i === turns.length - 1) return { ...turn, stop: turns[last]!.stop };
    return i === last ? { ...turn, stop: false } : turn;
  });
}

function learning(labels: readonly number[]): Turn {
  return { frames: [], labels, endsSegment: null, stop: false };
}

function slices(places: readonly number[], ends: readonly number[]): { places: number[] }[] {
  return ends.map((end, i) => ({ places: places.slice(ends[i - 1] ?? 0, end) }));
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
