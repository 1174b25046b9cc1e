import { type Shape, between } from "../metal.ts";
import { type Point, around, box, circle, groove, polar, polygon, solid } from "../svg.ts";

/** Teeth as trapezoids between a root and a tip circle. `flat` is the share of a pitch that the tip covers. */
function teeth(count: number, root: number, tip: number, flat: number): string {
  const pitch = (2 * Math.PI) / count;
  const points: Point[] = [];
  for (let i = 0; i < count; i++) {
    const middle = i * pitch;
    points.push(
      polar(root, middle - pitch * 0.32),
      polar(tip, middle - (pitch * flat) / 2),
      polar(tip, middle + (pitch * flat) / 2),
      polar(root, middle + pitch * 0.32),
    );
  }
  return polygon(points);
}

/** A spur gear: web with or without holes, hub, bore with a keyway. */
export const gear: Shape = (rng, metal) => {
  const count = 12 + rng.int(11);
  const tip = between(rng, 38, 45);
  const root = tip - between(rng, 5.5, 7.5);
  const bore = tip * between(rng, 0.17, 0.24);
  const holes = [0, 0, 4, 5, 6][rng.int(5)]!;
  const lightening = around(holes, root * 0.62, 0.3).map(([x, y]) => circle(root * 0.14, x, y));
  const key = box(-bore * 0.28, -bore * 1.3, bore * 0.56, bore * 0.6);
  return (
    solid(teeth(count, root, tip, 0.3) + circle(bore) + lightening.join(""), metal.face, 0.5) +
    solid(circle(root - 1.5) + circle(root - 6), metal.light, 0.3) +
    solid(circle(bore * 1.7) + circle(bore), metal.light, 0.5) +
    groove(circle(root - 6), 0.9, 0.35) +
    `<path d="${key}" fill="#111" fill-opacity=".8"/>`
  );
};

/** A chain wheel: pointed, widely spaced teeth and a wide, spoked opening. */
export const sprocket: Shape = (rng, metal) => {
  const count = 13 + rng.int(8);
  const tip = between(rng, 39, 45);
  const root = tip - between(rng, 8, 10);
  const rim = root * between(rng, 0.72, 0.78);
  const bore = tip * between(rng, 0.13, 0.17);
  const spokes = 3 + rng.int(3);
  const arms = around(spokes, (rim + bore) / 2, rng.uniform()).map(
    ([x, y]) =>
      `<g transform="rotate(${(Math.atan2(y, x) * 180) / Math.PI})">${solid(box(bore, -3.6, rim - bore + 2, 7.2), metal.plain, 0.5)}</g>`,
  );
  return (
    arms.join("") +
    solid(teeth(count, root, tip, 0.1) + circle(rim), metal.face, 0.5) +
    solid(circle(bore * 2) + circle(bore), metal.light, 0.6) +
    groove(circle(rim), 0.8, 0.3)
  );
};
