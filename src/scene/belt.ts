import type { Rng } from "../kernel/rng.ts";
import { between } from "./metal.ts";
import { bar, box, circle, num, polar } from "./svg.ts";

export type BeltName = "rubber" | "green" | "blue" | "white" | "steel" | "wood";

/** A belt's base colour and the pattern that repeats on it (a tile of `size` units, drawn over the colour). */
interface BeltStyle {
  readonly colour: string;
  readonly size: number;
  readonly tile: string;
}

const line = (path: string, colour: string, width: number, opacity: number): string =>
  `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-opacity="${opacity}"/>`;

const belts: Readonly<Record<BeltName, BeltStyle>> = {
  rubber: { colour: "#3c4143", size: 8, tile: line("M0 2h8", "#000", 1.6, 0.28) + line("M0 4h8", "#fff", 0.8, 0.07) },
  green: {
    colour: "#3f6b57",
    size: 6,
    tile: line("M0 0l6 6M6 0l-6 6", "#0d2a1e", 0.8, 0.3) + line("M0 1l5 5", "#fff", 0.6, 0.06),
  },
  blue: {
    colour: "#3f6489",
    size: 22,
    tile: line("M0 1h22M1 0v22", "#0b1c30", 1.6, 0.35) + line("M0 3h22M3 0v22", "#fff", 0.8, 0.1),
  },
  white: { colour: "#b9bab2", size: 16, tile: line("M0 0h16M0 8h16", "#6d6f68", 0.8, 0.28) },
  steel: {
    colour: "#7f868b",
    size: 14,
    tile: `<path d="M4 7a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z" fill="#1c2022" fill-opacity=".55"/>${line("M4.4 8.6a3 3 0 0 0 5.2 0", "#fff", 0.8, 0.3)}`,
  },
  wood: {
    colour: "#9a7650",
    size: 30,
    tile:
      line("M0 0h30", "#3d2610", 1.6, 0.55) +
      line("M0 7c9-3 18 3 30 0M0 15c8 3 20-3 30 0M0 23c10-2 20 2 30 0", "#4f3317", 0.9, 0.35),
  },
};

export const beltNames: readonly BeltName[] = Object.keys(belts) as BeltName[];

/** The belt under the part: colour, running texture, wear. `turnDeg` is the camera's roll. */
export function drawBelt(rng: Rng, name: BeltName, turnDeg: number): string {
  const { colour, size, tile } = belts[name];
  const shiftX = num(between(rng, 0, size));
  const shiftY = num(between(rng, 0, size));
  const pattern = `<pattern id="belt" width="${size}" height="${size}" patternUnits="userSpaceOnUse" patternTransform="translate(${shiftX} ${shiftY})">${tile}</pattern>`;
  const field = 'x="-100" y="-100" width="200" height="200"';
  return (
    `<defs>${pattern}</defs><g transform="rotate(${num(turnDeg)})">` +
    `<rect ${field} fill="${colour}"/><rect ${field} fill="url(#belt)"/>${stains(rng)}</g>`
  );
}

function stains(rng: Rng): string {
  let marks = "";
  for (let i = rng.int(3); i > 0; i--) {
    marks += `<path d="${circle(between(rng, 5, 22), between(rng, -64, 64), between(rng, -64, 64))}" fill="#000" fill-opacity="${num(between(rng, 0.04, 0.14))}"/>`;
  }
  return marks;
}

/** Scratches, swarf and dust that belong to no part. `amount` 0…1. */
export function drawLitter(rng: Rng, amount: number): string {
  let marks = "";
  for (let i = Math.round(amount * between(rng, 2, 9)); i > 0; i--) {
    const x = between(rng, -64, 64);
    const y = between(rng, -64, 64);
    const [dx, dy] = polar(between(rng, 4, 34), between(rng, 0, 2 * Math.PI));
    const bow = between(rng, -5, 5);
    const path = `M${num(x)} ${num(y)}q${num(dx / 2 + bow)} ${num(dy / 2 - bow)} ${num(dx)} ${num(dy)}`;
    marks += bar(path, between(rng, 0.4, 1.3), rng.uniform() < 0.6 ? "#e8e8e4" : "#0c0c0c", between(rng, 0.15, 0.5));
  }
  for (let i = Math.round(amount * between(rng, 3, 16)); i > 0; i--) {
    const size = between(rng, 0.5, 1.8);
    marks += `<path d="${box(between(rng, -64, 64), between(rng, -64, 64), size, size * 1.3, size / 2)}" fill="${rng.uniform() < 0.5 ? "#ddd" : "#111"}" fill-opacity=".5"/>`;
  }
  return marks;
}

/** Dirt on the lens: soft, pale spots that stay where they are. `amount` 0…1. */
export function drawSmudges(rng: Rng, amount: number): string {
  if (amount <= 0) return "";
  let spots = `<rect x="-64" y="-64" width="128" height="128" fill="#cfc9b8" fill-opacity="${num(0.14 * amount)}"/>`;
  for (let i = 0; i < 5; i++) {
    const radius = between(rng, 16, 46);
    const pale = rng.uniform() < 0.6;
    spots += `<circle cx="${num(between(rng, -60, 60))}" cy="${num(between(rng, -60, 60))}" r="${num(radius)}" fill="url(#${pale ? "haze" : "grime"})" fill-opacity="${num(amount * between(rng, 0.5, 0.85))}"/>`;
  }
  return `<defs>${fade("haze", "#d8d2c4")}${fade("grime", "#2a241b")}</defs>${spots}`;
}

function fade(id: string, colour: string): string {
  return (
    `<radialGradient id="${id}"><stop offset="0" stop-color="${colour}"/>` +
    `<stop offset=".45" stop-color="${colour}" stop-opacity=".6"/>` +
    `<stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`
  );
}
