import * as fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { renderView } from "../../src/distil/render-view.ts";
import { viewOf } from "../../src/distil/view.ts";

describe("a varied view", () => {
  it("lies inside the image, and is the same for the same seed and image", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), (index, seed) => {
        const view = viewOf("varied", index, seed);
        const { left, top, width, height } = view.crop!;
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(1 + 1e-12);
        expect(width * height).toBeGreaterThan(0.15);
        expect(viewOf("varied", index, seed)).toEqual(view);
      }),
    );
  });

  it("differs from image to image and from seed to seed", () => {
    const texts = [viewOf("varied", 0, 1), viewOf("varied", 1, 1), viewOf("varied", 0, 2)].map((v) =>
      JSON.stringify(v),
    );
    expect(new Set(texts).size).toBe(3);
  });
});

function mean(pixels: Uint8Array, channel: number): number {
  return pixels.reduce((sum, byte, i) => sum + (i % 3 === channel ? byte : 0), 0) / (pixels.length / 3);
}

/** How many different reds there are. */
function reds(pixels: Uint8Array): number {
  return new Set(pixels.filter((_, i) => i % 3 === 0)).size;
}

describe("rendering a view", () => {
  /** Left half red, right half blue. */
  const image = sharp({ create: { width: 64, height: 64, channels: 3, background: "#ff0000" } })
    .composite([{ input: { create: { width: 32, height: 64, channels: 3, background: "#0000ff" } }, left: 32, top: 0 }])
    .png()
    .toBuffer();

  it("gives the same part at each size", async () => {
    const crop = { left: 0.25, top: 0.1, width: 0.5, height: 0.6 };
    const [small, large] = await renderView(await image, { crop }, [16, 56]);
    expect([small!.length, large!.length]).toEqual([16 * 16 * 3, 56 * 56 * 3]);
    for (const channel of [0, 1, 2]) expect(mean(small!, channel)).toBeCloseTo(mean(large!, channel), -1);
    const [right] = await renderView(await image, { crop: { ...crop, left: 0.5 } }, [16]);
    expect(mean(right!, 0)).toBeLessThan(15);
    expect(mean(right!, 2)).toBeGreaterThan(240);
  });

  it("shows other light, other saturation and a low resolution", async () => {
    const crop = { left: 0, top: 0, width: 1, height: 1 };
    const [dim] = await renderView(await image, { crop, gains: [0.5, 1, 1] }, [16]);
    expect(mean(dim!, 0)).toBeCloseTo(64, -1);
    expect(mean(dim!, 2)).toBeCloseTo(128, -1);
    const [grey] = await renderView(await image, { crop, saturation: 0 }, [16]);
    expect(Math.abs(mean(grey!, 0) - mean(grey!, 1))).toBeLessThan(3);
    const [sharpEdge, softEdge] = [
      (await renderView(await image, { crop }, [64]))[0]!,
      (await renderView(await image, { crop, lowSidePx: 8 }, [64]))[0]!,
    ];
    expect(reds(softEdge)).toBeGreaterThan(reds(sharpEdge));
  });

  it("of the whole image is the product's own preparation, grey images included", async () => {
    const grey = await sharp(await image)
      .greyscale()
      .jpeg()
      .toBuffer();
    const [plain] = await renderView(grey, {}, [32]);
    const [cropped] = await renderView(grey, { crop: { left: 0, top: 0, width: 1, height: 1 } }, [32]);
    expect(plain!.length).toBe(32 * 32 * 3);
    expect(Math.abs(mean(plain!, 0) - mean(cropped!, 0))).toBeLessThan(1);
    await expect(renderView(Uint8Array.of(1, 2, 3), {}, [32])).rejects.toMatchObject({ code: "image/format" });
  });
});
