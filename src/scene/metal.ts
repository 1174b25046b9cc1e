import type { Rng } from "../kernel/rng.ts";

/** What a part is made of, as the paints that a shape may use. */
export interface Metal {
  /** Plain surface colour. */
  readonly plain: string;
  readonly light: string;
  readonly dark: string;
  /** Turned or ground face: a soft sheen. */
  readonly face: string;
  /** Round bar whose axis lies along x. */
  readonly tube: string;
  /** Round bar whose axis lies along y. */
  readonly upright: string;
}

type Colour = readonly [r: number, g: number, b: number];

/** Surface colours, 0…255. A finish is no clue to a type: every type comes in every one of them. */
const finishes: readonly Colour[] = [
  [164, 169, 174], // steel
  [164, 169, 174],
  [188, 190, 188], // zinc
  [188, 190, 188],
  [140, 146, 154], // stainless
  [196, 168, 98], // brass, and yellow chromate
  [104, 108, 114], // phosphate
  [184, 122, 88], // copper
];

export function drawMetal(rng: Rng): Metal & { readonly defs: string } {
  const base = finishes[rng.int(finishes.length)]!;
  const worn = 0.92 + 0.16 * rng.uniform();
  const tone = (gain: number, lift = 0): string =>
    `rgb(${base.map((c) => Math.min(255, Math.round(c * worn * gain + lift))).join()})`;
  const round = stops([0, tone(0.42)], [0.22, tone(0.85)], [0.4, tone(1.12, 40)], [0.62, tone(0.9)], [1, tone(0.36)]);
  const sheen = stops(
    [0, tone(1.08, 10)],
    [0.35, tone(0.88)],
    [0.55, tone(1.1, 18)],
    [0.8, tone(0.86)],
    [1, tone(0.98)],
  );
  const angle = rng.int(180);
  return {
    plain: tone(0.95),
    light: tone(1.15, 30),
    dark: tone(0.5),
    face: "url(#face)",
    tube: "url(#tube)",
    upright: "url(#upright)",
    defs:
      `<linearGradient id="face" gradientTransform="rotate(${angle} .5 .5)">${sheen}</linearGradient>` +
      `<linearGradient id="tube" x2="0" y2="1">${round}</linearGradient>` +
      `<linearGradient id="upright">${round}</linearGradient>`,
  };
}

/** Draws one part around the origin, within a radius of about 46 units; `rng` varies its proportions. */
export type Shape = (rng: Rng, metal: Metal) => string;

/** Uniform in [low, high). */
export function between(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng.uniform();
}

function stops(...list: (readonly [offset: number, colour: string])[]): string {
  return list.map(([offset, colour]) => `<stop offset="${offset}" stop-color="${colour}"/>`).join("");
}
