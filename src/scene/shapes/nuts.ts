import { type Shape, between } from "../metal.ts";
import { circle, groove, hollow, num, regular, solid } from "../svg.ts";

/** Hexagon with a chamfer circle and a threaded hole: from above. */
export const nut: Shape = (rng, metal) => {
  const size = between(rng, 33, 41);
  const hole = size * between(rng, 0.44, 0.54);
  return (
    solid(regular(6, size) + circle(hole), metal.face, 0.6) +
    solid(circle(size * 0.85) + circle(hole), metal.light, 0.35) +
    groove(circle(size * 0.85), 0.8, 0.25) +
    groove(circle(hole + 1.6), 1.3, 0.5) +
    groove(circle(hole + 4), 0.8, 0.3)
  );
};

/** Two wings on a round, threaded hub. */
export const wingNut: Shape = (rng, metal) => {
  const hub = between(rng, 13, 16);
  const hole = hub * between(rng, 0.5, 0.6);
  const reach = between(rng, 38, 45);
  const width = between(rng, 11, 15);
  const rise = between(rng, -6, -14);
  const wing = (side: 1 | -1): string => {
    const x = (value: number): string => num(side * value);
    return (
      `M${x(hub * 0.5)} ${num(-width * 0.55)}C${x(hub * 1.3)} ${num(-width * 0.5)} ${x(reach * 0.6)} ${num(rise - width)} ${x(reach * 0.86)} ${num(rise - width)}` +
      `C${x(reach * 1.06)} ${num(rise - width)} ${x(reach * 1.06)} ${num(rise + width)} ${x(reach * 0.84)} ${num(rise + width)}` +
      `C${x(reach * 0.6)} ${num(rise + width)} ${x(hub * 1.4)} ${num(width * 0.8)} ${x(hub * 0.5)} ${num(width * 0.7)}Z`
    );
  };
  return (
    solid(wing(1), metal.face, 0.5) +
    solid(wing(-1), metal.face, 0.5) +
    solid(circle(hub) + circle(hole), metal.light, 0.7) +
    hollow(circle(hole), 0.8) +
    groove(circle(hole + 1.2), 1.4, 0.5) +
    groove(circle(hub), 0.8, 0.35)
  );
};
