import { type Metal, type Shape, between } from "../metal.ts";
import { bar, box, hollow, num, solid } from "../svg.ts";

/** The thicker rim at a pipe's open end; (x, y) is the middle of the opening. */
function socket(metal: Metal, x: number, y: number, radius: number, side: "right" | "down" | "left"): string {
  const wide = radius * 1.2;
  if (side === "down") {
    return (
      solid(box(x - wide, y - 9, 2 * wide, 10, 2), metal.upright, 0.65) +
      hollow(box(x - wide + 3, y - 1, 2 * wide - 6, 2.4, 1.2), 0.55)
    );
  }
  const at = side === "right" ? x - 9 : x - 1;
  const lip = side === "right" ? x - 1 : x - 1.4;
  return (
    solid(box(at, y - wide, 10, 2 * wide, 2), metal.tube, 0.65) +
    hollow(box(lip, y - wide + 3, 2.4, 2 * wide - 6, 1.2), 0.55)
  );
}

/** A quarter bend with a socket at each end. */
export const pipeElbow: Shape = (rng, metal) => {
  const radius = between(rng, 11, 14.5);
  const reach = between(rng, 32, 38);
  const bend = between(rng, 24, 31);
  const x = -reach + radius * 1.1;
  const y = -reach + radius * 1.1;
  const path = `M${num(reach)} ${num(y)}L${num(x + bend)} ${num(y)}A${num(bend)} ${num(bend)} 0 0 0 ${num(x)} ${num(y + bend)}L${num(x)} ${num(reach)}`;
  const layer = (share: number, paint: string, height: number): string =>
    bar(path, 2 * radius * share, paint, height).replace('stroke-linecap="round"', 'stroke-linecap="butt"');
  return (
    layer(1, metal.dark, 0.45) +
    layer(0.84, metal.plain, 0.3) +
    layer(0.55, metal.light, 0.25) +
    layer(0.25, metal.light, 0.3) +
    socket(metal, reach, y, radius, "right") +
    socket(metal, x, reach, radius, "down")
  );
};

/** A straight run with a branch at a right angle. */
export const pipeTee: Shape = (rng, metal) => {
  const radius = between(rng, 10.5, 13.5);
  const reach = between(rng, 37, 43);
  const y = -radius * 0.9;
  const branch = between(rng, 30, 36);
  return (
    solid(box(-radius, y, 2 * radius, branch - y), metal.upright, 0.45) +
    solid(box(-reach, y - radius, 2 * reach, 2 * radius), metal.tube, 0.6) +
    socket(metal, reach, y, radius, "right") +
    socket(metal, -reach, y, radius, "left") +
    socket(metal, 0, branch, radius, "down")
  );
};
