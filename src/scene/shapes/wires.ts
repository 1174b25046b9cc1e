import { type Shape, between } from "../metal.ts";
import { bar, groove, num } from "../svg.ts";

/** A helical compression spring from the side: far half-turns behind, near ones in front. */
export const spring: Shape = (rng, metal) => {
  const turns = 5 + rng.int(4);
  const half = between(rng, 32, 42);
  const radius = between(rng, 13, 18);
  const wire = between(rng, 4.2, 6);
  const pitch = (2 * half) / turns;
  let back = "";
  let front = "";
  for (let i = 0; i < turns; i++) {
    const x = -half + i * pitch;
    front += `M${num(x)} ${num(radius)}C${num(x)} ${num(radius * 0.3)} ${num(x + pitch / 2)} ${num(-radius * 0.3)} ${num(x + pitch / 2)} ${num(-radius)}`;
    back += `M${num(x + pitch / 2)} ${num(-radius)}L${num(x + pitch)} ${num(radius)}`;
  }
  const ends =
    `M${num(-half)} ${num(radius)}C${num(-half - 3)} ${num(radius * 0.2)} ${num(-half - 3)} ${num(-radius * 0.2)} ${num(-half)} ${num(-radius)}` +
    `M${num(half)} ${num(radius)}C${num(half + 3)} ${num(radius * 0.2)} ${num(half + 3)} ${num(-radius * 0.2)} ${num(half)} ${num(-radius)}`;
  return (
    bar(back, wire, metal.dark, 0.35) +
    groove(back, wire * 0.5, 0.2) +
    bar(front, wire, metal.plain, 0.7) +
    bar(front, wire * 0.35, metal.light, 0.4) +
    bar(ends, wire, metal.plain, 0.7)
  );
};

/** A split pin: an eye and two legs of unequal length, often bent apart. */
export const cotterPin: Shape = (rng, metal) => {
  const eye = between(rng, 9, 12);
  const end = between(rng, 38, 45);
  const wire = between(rng, 4.2, 5.4);
  const spread = rng.uniform() < 0.5 ? between(rng, 6, 16) : between(rng, 0, 2.5);
  const shorter = between(rng, 4, 10);
  const left = -end + eye;
  const leg = (side: 1 | -1, tip: number): string =>
    `M${num(left + eye * 0.9)} ${num(side * wire * 0.55)}L${num(tip * 0.35)} ${num(side * wire * 0.55)}` +
    `Q${num(tip * 0.7)} ${num(side * wire * 0.55)} ${num(tip)} ${num(side * (wire * 0.55 + spread))}`;
  const loop =
    `M${num(left + eye * 0.9)} ${num(wire * 0.55)}C${num(left + eye * 0.3)} ${num(eye)} ${num(left - eye)} ${num(eye * 1.1)} ${num(left - eye)} 0` +
    `C${num(left - eye)} ${num(-eye * 1.1)} ${num(left + eye * 0.3)} ${num(-eye)} ${num(left + eye * 0.9)} ${num(-wire * 0.55)}`;
  const all = leg(1, end) + leg(-1, end - shorter) + loop;
  return bar(all, wire, metal.plain, 0.65) + bar(all, wire * 0.3, metal.light, 0.4);
};

/** A hook with an eye at the end of its shank. */
export const hook: Shape = (rng, metal) => {
  const wire = between(rng, 6, 8.5);
  const bend = between(rng, 13, 17);
  const top = between(rng, -30, -26);
  const low = between(rng, 14, 20);
  const x = between(rng, -8, -4);
  const eye = between(rng, 7, 9);
  const path =
    `M${num(x)} ${num(top + eye)}L${num(x)} ${num(low)}A${num(bend)} ${num(bend)} 0 0 0 ${num(x + 2 * bend)} ${num(low)}l0 ${num(-between(rng, 4, 12))}` +
    `M${num(x + eye)} ${num(top)}A${num(eye)} ${num(eye)} 0 1 0 ${num(x - eye)} ${num(top)}A${num(eye)} ${num(eye)} 0 1 0 ${num(x + eye)} ${num(top)}`;
  return bar(path, wire, metal.plain, 0.65) + bar(path, wire * 0.3, metal.light, 0.4);
};
