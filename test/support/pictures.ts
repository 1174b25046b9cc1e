import sharp from "sharp";
import { createRng } from "../../src/kernel/rng.ts";

const colours: Readonly<Record<string, readonly [number, number, number]>> = {
  bolt: [200, 40, 40],
  nut: [40, 200, 40],
  ring: [40, 40, 200],
};

/** Labels that pictures can be of. */
export const pictureLabels: readonly string[] = Object.keys(colours);

/** A PNG of 16×16: one colour a label, with noise of the seed; no two are equal. */
export function picture(label: string, seed: number): Promise<Buffer> {
  const rng = createRng(seed);
  const colour = colours[label] ?? [128, 128, 128];
  const pixels = Buffer.from(
    Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.max(0, Math.min(255, colour[i % 3]! + rng.int(60) - 30))),
  );
  return sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
    .png()
    .toBuffer();
}
