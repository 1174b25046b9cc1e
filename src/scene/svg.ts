/** Small helpers that write SVG path data and elements. Lengths are view units: a picture is 128 × 128, its centre (0, 0). */

/** Two decimals are a fiftieth of a pixel, and keep the text short. */
export function num(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export type Point = readonly [x: number, y: number];

export function polygon(points: readonly Point[]): string {
  return `M${points.map(([x, y]) => `${num(x)} ${num(y)}`).join("L")}Z`;
}

export function circle(radius: number, x = 0, y = 0): string {
  const r = num(radius);
  return `M${num(x + radius)} ${num(y)}A${r} ${r} 0 1 0 ${num(x - radius)} ${num(y)}A${r} ${r} 0 1 0 ${num(x + radius)} ${num(y)}Z`;
}

/** `count` corners on a circle, the first at `turn` radians. */
export function regular(count: number, radius: number, turn = 0): string {
  return polygon(around(count, radius, turn));
}

/** `count` points evenly on a circle, the first at `turn` radians. */
export function around(count: number, radius: number, turn = 0): Point[] {
  return Array.from({ length: count }, (_, i) => polar(radius, turn + (2 * Math.PI * i) / count));
}

export function polar(radius: number, angle: number): Point {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** A rectangle from (x, y) with rounded corners. */
export function box(x: number, y: number, width: number, height: number, corner = 0): string {
  const c = Math.min(corner, width / 2, height / 2);
  const arc = (dx: number, dy: number): string => `a${num(c)} ${num(c)} 0 0 1 ${num(dx)} ${num(dy)}`;
  return (
    `M${num(x + c)} ${num(y)}h${num(width - 2 * c)}${arc(c, c)}v${num(height - 2 * c)}${arc(-c, c)}` +
    `h${num(2 * c - width)}${arc(-c, -c)}v${num(2 * c - height)}${arc(c, -c)}Z`
  );
}

/**
 * A solid of some height above what lies below it: the lighting reads opacity as height (see `light.ts`),
 * so layers stack into relief. `height` 0.2…0.9.
 */
export function solid(path: string, fill: string, height = 0.55): string {
  return `<path d="${path}" fill="${fill}" fill-opacity="${num(height)}" fill-rule="evenodd"/>`;
}

/** A round bar along a path. */
export function bar(path: string, width: number, paint: string, height = 0.55): string {
  return `<path d="${path}" fill="none" stroke="${paint}" stroke-width="${num(width)}" stroke-opacity="${num(height)}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

/** A dark line that is paint only: a groove or the edge of a facet. */
export function groove(path: string, width = 1, opacity = 0.4): string {
  return `<path d="${path}" fill="none" stroke="#000" stroke-width="${num(width)}" stroke-opacity="${num(opacity)}" stroke-linejoin="round"/>`;
}

/** A filled dark area: a hole's bottom. */
export function hollow(path: string, opacity = 0.75): string {
  return `<path d="${path}" fill="#0a0c0d" fill-opacity="${num(opacity)}" fill-rule="evenodd"/>`;
}
