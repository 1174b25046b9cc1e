import type { Rng } from "../kernel/rng.ts";
import { type BeltName, beltNames } from "./belt.ts";
import { between } from "./metal.ts";

/** What the camera sees the parts under. Every number may drift on its own. */
export interface Condition {
  /** Exposure: 1 is a well-lit picture; 0.2…1.4. */
  readonly light: number;
  /** Colour of the lamp, kelvin; the camera's white balance stays at 6,500; 2,200…9,500. */
  readonly temperatureK: number;
  /** Defocus, standard deviation in view units (a picture is 128 wide); 0…3. */
  readonly blur: number;
  /** Dirt on the lens; 0…1. */
  readonly smudge: number;
  /** Sensor noise, standard deviation in 8-bit levels; 0…30. */
  readonly noise: number;
  readonly belt: BeltName;
  /** Scratches, swarf and dust on the belt; 0…1. */
  readonly litter: number;
  /** The camera's roll about its axis, degrees. */
  readonly rollDeg: number;
  /** How far a part may lie turned to either side; 180 is any way. */
  readonly turnDeg: number;
  /** Size of parts in the picture; 0.6…1.2. */
  readonly zoom: number;
}

/** A clean day shift: where the demo begins. */
export const dayShift: Condition = {
  light: 1,
  temperatureK: 6300,
  blur: 0.25,
  smudge: 0,
  noise: 3,
  belt: "green",
  litter: 0.3,
  rollDeg: 0,
  turnDeg: 180,
  zoom: 1,
};

/** Yellow lamps, little light, a lens that nobody has wiped. */
export const nightShift: Condition = {
  ...dayShift,
  light: 0.74,
  temperatureK: 3100,
  blur: 1.1,
  smudge: 0.8,
  noise: 8,
  litter: 0.6,
};

/** From `a` at share 0 to `b` at 1; the belt changes half-way. */
export function mix(a: Condition, b: Condition, share: number): Condition {
  const between = (from: number, to: number): number => from + (to - from) * share;
  return {
    light: between(a.light, b.light),
    temperatureK: between(a.temperatureK, b.temperatureK),
    blur: between(a.blur, b.blur),
    smudge: between(a.smudge, b.smudge),
    noise: between(a.noise, b.noise),
    belt: share < 0.5 ? a.belt : b.belt,
    litter: between(a.litter, b.litter),
    rollDeg: between(a.rollDeg, b.rollDeg),
    turnDeg: between(a.turnDeg, b.turnDeg),
    zoom: between(a.zoom, b.zoom),
  };
}

/** Any condition that a part can still be told under: for training a backbone on all of them. */
export function randomCondition(rng: Rng): Condition {
  const often = (share: number, value: () => number): number => (rng.uniform() < share ? value() : 0);
  return {
    light: between(rng, 0.4, 1.3),
    temperatureK: 1e6 / between(rng, 110, 400), // even steps in reciprocal kelvin look even
    blur: often(0.6, () => between(rng, 0, 2)),
    smudge: often(0.4, () => rng.uniform()),
    noise: between(rng, 1, 18),
    belt: beltNames[rng.int(beltNames.length)]!,
    litter: rng.uniform(),
    rollDeg: between(rng, -180, 180),
    turnDeg: 180,
    zoom: between(rng, 0.7, 1.15),
  };
}
