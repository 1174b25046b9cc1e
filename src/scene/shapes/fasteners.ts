import { type Metal, type Shape, between } from "../metal.ts";
import { bar, box, circle, groove, hollow, num, polygon, solid } from "../svg.ts";

/** A threaded shaft along x: slanted crests over a round bar. */
function thread(metal: Metal, from: number, to: number, radius: number, pitch: number): string {
  let crests = "";
  let roots = "";
  for (let x = from + pitch; x < to - 1; x += pitch) {
    crests += `M${num(x)} ${num(-radius)}L${num(x - pitch * 0.5)} ${num(radius)}`;
    roots += `M${num(x + pitch / 2)} ${num(-radius)}L${num(x)} ${num(radius)}`;
  }
  return (
    solid(box(from, -radius, to - from, 2 * radius, 1.5), metal.tube) +
    bar(crests, pitch * 0.4, metal.tube, 0.35) +
    groove(roots, pitch * 0.35, 0.45)
  );
}

/** Hexagonal head, plain shank, thread: from the side. */
export const bolt: Shape = (rng, metal) => {
  const length = between(rng, 66, 84);
  const shaft = between(rng, 7, 9.5);
  const head = shaft * between(rng, 1.75, 2);
  const thick = shaft * between(rng, 1.3, 1.6);
  const left = -length / 2;
  const neck = left + thick + length * between(rng, 0.05, 0.4);
  const facet = head * 0.5;
  return (
    solid(box(left + thick - 2, -shaft, neck - left - thick + 4, 2 * shaft), metal.tube) +
    thread(metal, neck, length / 2, shaft, between(rng, 3.6, 5)) +
    solid(box(left, -head, thick, 2 * head, 2.5), metal.plain, 0.8) +
    solid(box(left, -head, thick, head - facet, 2), metal.dark, 0.3) +
    solid(box(left, -facet, thick, 2 * facet), metal.light, 0.3) +
    groove(`M${num(left)} ${num(-facet)}h${num(thick)}M${num(left)} ${num(facet)}h${num(thick)}`, 1, 0.45)
  );
};

/** Countersunk or pan head with a drive slot seen at an angle, tapering to a point. */
export const screw: Shape = (rng, metal) => {
  const length = between(rng, 66, 84);
  const shaft = between(rng, 5.5, 7.5);
  const head = shaft * between(rng, 2, 2.4);
  const depth = head * between(rng, 0.7, 0.95);
  const left = -length / 2;
  const tip = length / 2;
  const shoulder = tip - shaft * between(rng, 1.8, 2.6);
  const countersunk = rng.uniform() < 0.6;
  const cap = countersunk
    ? polygon([
        [left, -head],
        [left + 3, -head],
        [left + depth + 3, -shaft],
        [left + depth + 3, shaft],
        [left + 3, head],
        [left, head],
      ])
    : `M${num(left + depth)} ${num(-head)}C${num(left - 3)} ${num(-head)} ${num(left - 3)} ${num(head)} ${num(left + depth)} ${num(head)}Z`;
  const point = polygon([
    [shoulder - 1, -shaft],
    [tip, 0],
    [shoulder - 1, shaft],
  ]);
  return (
    thread(metal, left + depth, shoulder, shaft, between(rng, 5, 7)) +
    solid(point, metal.tube) +
    groove(`M${num(shoulder + 2)} ${num(-shaft * 0.7)}l-1.5 ${num(shaft * 1.3)}`, 1.4, 0.4) +
    solid(cap, metal.tube, 0.75) +
    hollow(box(left, -1.8, depth * 0.4, 3.6), 0.6)
  );
};

/** A threaded rod whose end is an eye. */
export const eyeBolt: Shape = (rng, metal) => {
  const shaft = between(rng, 5.5, 7.5);
  const eye = between(rng, 15, 18);
  const end = between(rng, 36, 43);
  const centre = -end + eye;
  const rim = between(rng, 7.5, 9.5);
  return (
    solid(box(centre + eye - 3, -shaft, 8, 2 * shaft), metal.tube) +
    thread(metal, centre + eye + 2, end, shaft, between(rng, 3.6, 5)) +
    bar(circle(eye - rim / 2, centre), rim, metal.face, 0.75) +
    solid(box(centre + eye - 3, -shaft * 1.35, 5, shaft * 2.7, 2), metal.plain, 0.4)
  );
};
