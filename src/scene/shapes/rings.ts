import { type Shape, between } from "../metal.ts";
import { around, bar, circle, groove, hollow, num, polar, solid } from "../svg.ts";

/** A flat ring. */
export const washer: Shape = (rng, metal) => {
  const outer = between(rng, 30, 40);
  const hole = outer * between(rng, 0.42, 0.58);
  return solid(circle(outer) + circle(hole), metal.face, 0.5) + groove(circle((outer + hole) / 2), 0.5, 0.12);
};

/** A disc with a raised hub and bolt holes. */
export const flange: Shape = (rng, metal) => {
  const outer = between(rng, 38, 45);
  const bore = outer * between(rng, 0.24, 0.32);
  const holes = [4, 6, 6, 8][rng.int(4)]!;
  const hole = outer * (holes === 8 ? 0.075 : 0.095);
  const pitch = outer * between(rng, 0.73, 0.78);
  const bolts = around(holes, pitch, rng.uniform()).map(([x, y]) => circle(hole, x, y));
  const hub = bore * between(rng, 1.55, 1.8);
  return (
    solid(circle(outer) + circle(bore) + bolts.join(""), metal.face, 0.5) +
    solid(circle(hub) + circle(bore), metal.light, 0.55) +
    groove(circle(hub + 0.5), 1, 0.35)
  );
};

/** Outer race, balls in their cage, inner race: from the front. */
export const bearing: Shape = (rng, metal) => {
  const outer = between(rng, 36, 44);
  const bore = outer * between(rng, 0.36, 0.46);
  const band = outer - bore;
  const middle = (outer + bore) / 2;
  const ball = band * 0.19;
  const count = Math.floor((2 * Math.PI * middle) / (ball * between(rng, 2.5, 3.1)));
  const balls = around(count, middle, rng.uniform()).map(
    ([x, y]) => solid(circle(ball, x, y), metal.light, 0.7) + solid(circle(ball * 0.35, x - 1, y - 1), "#fff", 0.5),
  );
  return (
    hollow(circle(outer - 2) + circle(bore + 2), 0.45) +
    bar(circle(middle), 2, metal.dark, 0.3) +
    balls.join("") +
    bar(circle(outer - band * 0.14), band * 0.28, metal.face, 0.7) +
    bar(circle(bore + band * 0.13), band * 0.26, metal.face, 0.7)
  );
};

/** A snap ring: open, with two lugs that each have a hole. */
export const circlip: Shape = (rng, metal) => {
  const radius = between(rng, 30, 37);
  const width = between(rng, 6, 8);
  const gap = between(rng, 0.28, 0.42);
  const [x, y] = polar(radius, gap);
  const lug = between(rng, 5.5, 6.8);
  const inward = radius - lug * 0.5;
  const lugs = [gap, -gap].map((angle) => {
    const [lx, ly] = polar(inward, angle);
    return solid(circle(lug, lx, ly) + circle(lug * 0.42, lx, ly), metal.plain, 0.6);
  });
  return (
    bar(`M${num(x)} ${num(y)}A${num(radius)} ${num(radius)} 0 1 1 ${num(x)} ${num(-y)}`, width, metal.face, 0.6) +
    lugs.join("")
  );
};
