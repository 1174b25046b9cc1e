import sharp, { type Sharp } from "sharp";
import { createRng, type Rng } from "../../kernel/rng.ts";
import { type Change, sha256 } from "../image.ts";

/** What a camera does to a picture. Every number may drift on its own. */
export interface Corruption {
  /** Exposure: 1 changes nothing; 0.2…1.5. */
  readonly light: number;
  /** Colour of the lamp: 0 changes nothing, 1 is candle light, −1 a blue sky. */
  readonly warmth: number;
  /** Defocus: standard deviation as a share of the picture's side; 0…0.03. */
  readonly blur: number;
  /** Sensor noise: standard deviation in 8-bit levels; 0…60. */
  readonly noise: number;
  /** How strongly a JPEG is compressed: 0 not at all, 1 to quality 4. */
  readonly compression: number;
  /** The camera's roll, degrees. */
  readonly rollDeg: number;
  /** How much of the picture stands behind something; 0…0.5. */
  readonly occlusion: number;
}

export const clean: Corruption = {
  light: 1,
  warmth: 0,
  blur: 0,
  noise: 0,
  compression: 0,
  rollDeg: 0,
  occlusion: 0,
};

/** From `a` at share 0 to `b` at 1. */
export function mixCorruptions(a: Corruption, b: Corruption, share: number): Corruption {
  const keys = Object.keys(clean) as (keyof Corruption)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + (b[key] - a[key]) * share])) as unknown as Corruption;
}

/** Small images are enlarged first: noise and blur are the camera's, not the enlarging's. */
const sidePx = 128;

/** The corruption as a change of an image file → PNG, or JPEG where it is compressed, `sidePx` square. */
export function corruptionChange(corruption: Corruption): Change {
  const id = sha256(`corruption 1 ${JSON.stringify(corruption)}`).slice(0, 16);
  return { id, apply: (file, seed) => corrupt(file, corruption, createRng(seed)) };
}

async function corrupt(file: Uint8Array, corruption: Corruption, rng: Rng): Promise<Uint8Array> {
  const { light, warmth, blur, noise, compression, rollDeg, occlusion } = corruption;
  let pixels: Buffer = await sharp(file, { autoOrient: true })
    .resize(sidePx, sidePx, { fit: "cover", kernel: "cubic" })
    .flatten({ background: "#808080" })
    .toColourspace("srgb")
    .raw()
    .toBuffer();
  if (rollDeg !== 0) pixels = await rolled(pixels, rollDeg);
  if (occlusion > 0) {
    pixels = await fromPixels(pixels)
      .composite([{ input: Buffer.from(obstacle(occlusion, rng)) }])
      .removeAlpha()
      .raw()
      .toBuffer();
  }
  if (light !== 1 || warmth !== 0) {
    const gains = [light * (1 + 0.15 * warmth), light * (1 - 0.1 * Math.abs(warmth)), light * (1 - 0.65 * warmth)];
    for (let i = 0; i < pixels.length; i++) pixels[i] = clamp(pixels[i]! * gains[i % 3]!);
  }
  // libvips refuses a standard deviation below 0.3, which nobody would see.
  if (blur * sidePx >= 0.3)
    pixels = await fromPixels(pixels)
      .blur(blur * sidePx)
      .raw()
      .toBuffer();
  if (noise > 0) for (let i = 0; i < pixels.length; i++) pixels[i] = clamp(pixels[i]! + noise * rng.normal());
  if (compression <= 0) return fromPixels(pixels).png({ compressionLevel: 1 }).toBuffer();
  return fromPixels(pixels)
    .jpeg({ quality: Math.round(95 - 91 * compression) })
    .toBuffer();
}

/** Turned about its middle, which fills the picture again: nothing is seen from beyond its edges. */
async function rolled(pixels: Buffer, degrees: number): Promise<Buffer> {
  const turned = await fromPixels(pixels)
    .rotate(degrees, { background: "#808080" })
    .png({ compressionLevel: 0 })
    .toBuffer({ resolveWithObject: true });
  const radians = (degrees * Math.PI) / 180;
  const side = Math.floor(sidePx / (Math.abs(Math.cos(radians)) + Math.abs(Math.sin(radians))));
  const [left, top] = [turned.info.width, turned.info.height].map((size) => Math.floor((size - side) / 2)) as [
    number,
    number,
  ];
  return sharp(turned.data)
    .extract({ left, top, width: side, height: side })
    .resize(sidePx, sidePx, { kernel: "cubic" })
    .raw()
    .toBuffer();
}

/** A frame of another colour around the picture and a bar across it, together about `share` of its area. */
function obstacle(share: number, rng: Rng): string {
  const colour = (): string => `hsl(${rng.int(360)} 45% ${20 + rng.int(60)}%)`;
  const border = (sidePx * (1 - Math.sqrt(1 - share / 2))) / 2;
  const bar = (sidePx * share) / 2;
  const across = sidePx * (0.25 + 0.5 * rng.uniform()) - bar / 2;
  const inner = sidePx - border;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${sidePx}" height="${sidePx}">` +
    `<rect x="${border / 2}" y="${border / 2}" width="${inner}" height="${inner}" fill="none" stroke="${colour()}" stroke-width="${border}"/>` +
    `<rect x="${-sidePx}" y="${across}" width="${3 * sidePx}" height="${bar}" fill="${colour()}" ` +
    `transform="rotate(${rng.int(180)} ${sidePx / 2} ${sidePx / 2})"/></svg>`
  );
}

function fromPixels(pixels: Buffer): Sharp {
  return sharp(pixels, { raw: { width: sidePx, height: sidePx, channels: 3 } });
}

function clamp(level: number): number {
  return Math.max(0, Math.min(255, Math.round(level)));
}
