import { type Shape, between } from "../metal.ts";
import { box, circle, groove, num, polygon, solid } from "../svg.ts";

/** An angle bracket, lying flat: two arms with holes and a stiffening rib. */
export const bracket: Shape = (rng, metal) => {
  const long = between(rng, 62, 74);
  const short = between(rng, 46, 64);
  const width = between(rng, 17, 22);
  const x = -long / 2;
  const y = -short / 2;
  const hole = width * between(rng, 0.17, 0.23);
  const middle = width / 2;
  const slot = rng.uniform() < 0.4;
  const outline = `M${num(x + 4)} ${num(y)}h${num(width - 6)}q2 0 2 2v${num(short - width - 8)}q0 6 6 6h${num(long - width - 8)}q2 0 2 2v${num(width - 6)}q0 4 -4 4h${num(8 - long)}q-4 0 -4 -4v${num(8 - short)}q0 -4 4 -4Z`;
  const holes = [
    circle(hole, x + middle, y + middle),
    circle(hole, x + middle, y + short * 0.52),
    slot
      ? box(x + long * 0.45, y + short - middle - hole, long * 0.4, 2 * hole, hole)
      : circle(hole, x + long - middle, y + short - middle),
    slot ? "" : circle(hole, x + long * 0.55, y + short - middle),
  ];
  return (
    solid(outline + holes.join(""), metal.face, 0.6) +
    groove(`M${num(x + 3)} ${num(y + short - 3)}l${num(width - 4)} ${num(4 - width)}`, 1.2, 0.3) +
    solid(
      polygon([
        [x + width - 1, y + short - width - 9],
        [x + width + 9, y + short - width + 1],
        [x + width - 1, y + short - width + 1],
      ]),
      metal.light,
      0.4,
    )
  );
};

/** A butt hinge, open: two leaves with holes and the knuckles of the pin between them. */
export const hinge: Shape = (rng, metal) => {
  const height = between(rng, 50, 68);
  const leaf = between(rng, 24, 31);
  const knuckle = between(rng, 4.5, 6);
  const holes = 2 + rng.int(2);
  const hole = between(rng, 2.8, 3.8);
  const top = -height / 2;
  const side = (sign: 1 | -1): string => {
    const at = Array.from({ length: holes }, (_, i) => {
      const y = top + (height * (i + 0.5)) / holes;
      return circle(hole, sign * (leaf * (i % 2 === 0 ? 0.62 : 0.5) + 3), y);
    });
    return solid(box(sign === 1 ? 2 : -leaf - 2, top, leaf, height, 4) + at.join(""), metal.face, 0.5);
  };
  const segment = height / 5;
  let gaps = "";
  for (let i = 1; i < 5; i++) gaps += `M${num(-knuckle)} ${num(top + i * segment)}h${num(2 * knuckle)}`;
  return (
    side(1) +
    side(-1) +
    solid(box(-knuckle, top - 1, 2 * knuckle, height + 2, 2), metal.upright, 0.7) +
    groove(gaps, 1.2, 0.6)
  );
};
