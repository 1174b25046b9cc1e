import { createRng, type Rng } from "../kernel/rng.ts";

/** A part of an image and how its colours are shown: teacher and student see the same view, each at its own size. */
export interface View {
  /** Shares of width and height, 0…1; absent: the whole image, by the rule of the product's `prepareImage`. */
  readonly crop?: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  /** Scaled down to this side before it is scaled up: a camera of low resolution. */
  readonly lowSidePx?: number;
  /** A channel (R, G, B) each: exposure and colour of the light. */
  readonly gains?: readonly [number, number, number];
  readonly saturation?: number;
}

/** What a set of views is drawn from: each image has one view of each kind. */
export type ViewKind = "plain" | "varied";

export const viewKinds: readonly ViewKind[] = ["plain", "varied"];

/**
 * The view of one image: the same for the same seed, kind and image, on every machine. Varied ones are crops under
 * other light, two in five of them seen by a camera of low resolution.
 */
export function viewOf(kind: ViewKind, imageIndex: number, seed: number): View {
  if (kind === "plain") return {};
  const rng = createRng(Math.imul(seed + 1, 0x9e3779b1) ^ imageIndex);
  const crop = randomCrop(rng, 0.2, 1);
  const exposure = between(rng, 0.65, 1.25);
  const gain = (): number => exposure * between(rng, 0.9, 1.1);
  const gains = [gain(), gain(), gain()] as const;
  const saturation = between(rng, 0.6, 1.3);
  const lowSidePx = Math.round(between(rng, 24, 48));
  return { crop, gains, saturation, ...(rng.uniform() < 0.4 ? { lowSidePx } : {}) };
}

/** A box of a random share of the area, its sides 3:4 to 4:3, anywhere (Szegedy et al. 2015). */
function randomCrop(rng: Rng, minArea: number, maxArea: number): NonNullable<View["crop"]> {
  const area = between(rng, minArea, maxArea);
  const ratio = Math.exp(between(rng, Math.log(3 / 4), Math.log(4 / 3)));
  const width = Math.min(1, Math.sqrt(area * ratio));
  const height = Math.min(1, Math.sqrt(area / ratio));
  return { left: rng.uniform() * (1 - width), top: rng.uniform() * (1 - height), width, height };
}

function between(rng: Rng, from: number, to: number): number {
  return from + (to - from) * rng.uniform();
}
