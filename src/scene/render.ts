import sharp from "sharp";
import type { Rng } from "../kernel/rng.ts";
import { createRng } from "../kernel/rng.ts";
import { drawBelt, drawLitter, drawSmudges } from "./belt.ts";
import type { Condition } from "./condition.ts";
import { lampFilter } from "./light.ts";
import { between, drawMetal } from "./metal.ts";
import { type PartName, shapes } from "./parts.ts";
import { expose } from "./sensor.ts";
import { num } from "./svg.ts";

export interface RenderOptions {
  readonly part: PartName;
  readonly condition: Condition;
  /** Everything that varies from picture to picture. */
  readonly rng: Rng;
  /** Everything that stays with one camera: the dirt on its lens. */
  readonly lensSeed: number;
  /** Width and height of the picture. */
  readonly sidePx: number;
}

/** Draws a part on its belt, photographs it, and returns a JPEG. Same options, same bytes (on one machine). */
export async function render(options: RenderOptions): Promise<Uint8Array> {
  const { condition, rng, sidePx } = options;
  const scale = sidePx / 128;
  const drawing = sharp(Buffer.from(drawScene(options)));
  const sigma = condition.blur * scale;
  // libvips refuses a standard deviation below 0.3, which nobody would see.
  const focused = sigma < 0.3 ? drawing : drawing.blur(sigma);
  const pixels = await focused.removeAlpha().raw().toBuffer();
  expose(pixels, sidePx, condition, rng);
  return sharp(pixels, { raw: { width: sidePx, height: sidePx, channels: 3 } })
    .jpeg({ quality: 88 })
    .toBuffer();
}

function drawScene({ part, condition, rng, lensSeed, sidePx }: RenderOptions): string {
  const belt = drawBelt(rng, condition.belt, condition.rollDeg + between(rng, -3, 3));
  const litter = drawLitter(rng, condition.litter);
  const metal = drawMetal(rng);
  const shape = shapes[part](rng, metal);
  const scale = condition.zoom * between(rng, 0.92, 1.22);
  const turn = condition.rollDeg + condition.turnDeg * between(rng, -1, 1);
  // Seen a little from the side, and at times the other way round.
  const flip = rng.uniform() < 0.5 ? -1 : 1;
  const squeeze = between(rng, 0.9, 1);
  const pose =
    `translate(${num(between(rng, -9, 9))} ${num(between(rng, -9, 9))}) rotate(${num(turn)}) ` +
    `scale(${num(flip * scale)} ${num(scale * squeeze)})`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${sidePx}" height="${sidePx}" viewBox="-64 -64 128 128">` +
    `<defs>${metal.defs}${lampFilter(235 + between(rng, -25, 25))}</defs>${belt}${litter}` +
    `<g filter="url(#lamp)"><g transform="${pose}">${shape}</g></g>` +
    `${drawSmudges(createRng(lensSeed), condition.smudge)}</svg>`
  );
}
