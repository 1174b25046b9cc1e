import { deflateSync } from "node:zlib";
import * as fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { prepareImage, type PrepareOptions } from "../../src/backbone/preprocess.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { createRng } from "../../src/kernel/rng.ts";

type Colour = readonly [red: number, green: number, blue: number];

const options: PrepareOptions = { imageSize: 32, resize: "cover", kernel: "cubic", maxPixels: 25_000_000 };
const orange: Colour = [200, 100, 50];

const solid = (width: number, height: number, [r, g, b]: Colour = orange): Sharp =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

function noise(width: number, height: number): Sharp {
  const rng = createRng(1);
  const bytes = Uint8Array.from({ length: width * height * 3 }, () => rng.int(256));
  return sharp(bytes, { raw: { width, height, channels: 3 } });
}

/** Red, green, blue and white quarters: upper left, upper right, lower left, lower right. */
function quarters(width: number, height: number): Sharp {
  const colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
  const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return colours[(y < height / 2 ? 0 : 6) + (x < width / 2 ? 0 : 3) + (i % 3)]!;
  });
  return sharp(bytes, { raw: { width, height, channels: 3 } });
}

function pixel(image: Uint8Array, x: number, y: number): number[] {
  return [...image.subarray((y * options.imageSize + x) * 3).subarray(0, 3)];
}

/** How far the whole image is from one colour. */
function distance(image: Uint8Array, colour: Colour): number {
  return Math.max(...image.map((value, i) => Math.abs(value - colour[i % 3]!)));
}

/** 40×30, every 16-bit number 100 × 257. */
const words = (channels: 1 | 3): Sharp =>
  sharp(new Uint16Array(40 * 30 * channels).fill(100 * 257), { raw: { width: 40, height: 30, channels } });

/** Orange of one opacity, 0…1. */
const alpha = (value: number): Promise<Buffer> => solid(40, 30).ensureAlpha(value).png().toBuffer();

/** A green image with red thirds at both ends. */
const wide = (): Promise<Buffer> =>
  solid(96, 32, [0, 255, 0])
    .composite([
      { input: { create: { width: 30, height: 32, channels: 3, background: "#f00" } }, left: 0, top: 0 },
      { input: { create: { width: 30, height: 32, channels: 3, background: "#f00" } }, left: 66, top: 0 },
    ])
    .png()
    .toBuffer();

const cut = (share: number) => (file: Buffer) => file.subarray(0, Math.floor(file.length * share));

describe("comes out as sRGB bytes [S, S, 3]:", () => {
  const grey: Colour = [100, 100, 100];
  const cases: [string, () => Promise<Buffer>, Colour, number][] = [
    ["a JPEG", () => solid(40, 30).jpeg({ quality: 100 }).toBuffer(), orange, 2],
    ["a PNG", () => solid(40, 30).png().toBuffer(), orange, 0],
    ["a palette PNG", () => solid(40, 30).png({ palette: true }).toBuffer(), orange, 0],
    ["a WebP", () => solid(40, 30).webp({ lossless: true }).toBuffer(), orange, 0],
    ["a grey PNG", () => solid(40, 30, grey).toColourspace("b-w").png().toBuffer(), grey, 0],
    ["a grey JPEG", () => solid(40, 30, grey).toColourspace("b-w").jpeg().toBuffer(), grey, 1],
    ["a CMYK JPEG", () => solid(40, 30).toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(), orange, 35],
    ["a 16-bit PNG", () => words(3).toColourspace("rgb16").png().toBuffer(), grey, 0],
    ["a 16-bit grey PNG", () => words(1).toColourspace("grey16").png().toBuffer(), grey, 0],
    ["a PNG in Display P3", () => solid(40, 30).withIccProfile("p3").png().toBuffer(), orange, 3],
    ["one pixel", () => solid(1, 1).png().toBuffer(), orange, 0],
    ["a line of 60,000 pixels", () => solid(60_000, 1).png().toBuffer(), orange, 0],
    ["a column of 60,000 pixels", () => solid(1, 60_000).png().toBuffer(), orange, 0],
  ];
  test.each(cases)("%s", async (_, create, colour, tolerance) => {
    const image = await prepareImage(await create(), options);
    expect(image).toHaveLength(32 * 32 * 3);
    expect(distance(image, colour)).toBeLessThanOrEqual(tolerance);
  });

  test("what is transparent shows middle grey, what is half transparent half of it", async () => {
    expect(distance(await prepareImage(await alpha(0), options), [128, 128, 128])).toBe(0);
    expect(distance(await prepareImage(await alpha(0.5), options), [164, 114, 89])).toBeLessThanOrEqual(1);
    expect(distance(await prepareImage(await alpha(1), options), orange)).toBe(0);
  });
});

describe("EXIF orientation", () => {
  const [red, green, blue, white] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];
  // EXIF 2.32, tag 0x0112: which corner of the stored image is shown at the upper left, and so on, row by row.
  test.each([
    [1, [red, green, blue, white]],
    [2, [green, red, white, blue]],
    [3, [white, blue, green, red]],
    [4, [blue, white, red, green]],
    [5, [red, blue, green, white]],
    [6, [blue, red, white, green]],
    [7, [white, green, blue, red]],
    [8, [green, white, red, blue]],
  ])("%i is undone", async (orientation, corners) => {
    const file = await quarters(64, 64).withMetadata({ orientation }).png().toBuffer();
    const image = await prepareImage(file, options);
    expect([pixel(image, 4, 4), pixel(image, 27, 4), pixel(image, 4, 27), pixel(image, 27, 27)]).toEqual(corners);
  });
});

describe("the resize rule", () => {
  test("cover crops the middle", async () => {
    expect(distance(await prepareImage(await wide(), options), [0, 255, 0])).toBe(0);
  });

  test("fill squeezes the whole image in", async () => {
    const image = await prepareImage(await wide(), { ...options, resize: "fill" });
    expect(pixel(image, 2, 16)).toEqual([255, 0, 0]);
    expect(pixel(image, 16, 16)).toEqual([0, 255, 0]);
    expect(pixel(image, 29, 16)).toEqual([255, 0, 0]);
  });

  test.each(["cubic", "linear", "lanczos3"] as const)("%s is a kernel", async (kernel) => {
    const image = await prepareImage(await noise(50, 40).png().toBuffer(), { ...options, kernel });
    expect(new Set(image).size).toBeGreaterThan(50);
  });
});

describe("refused with a code:", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
  const cases: [string, () => Promise<Uint8Array> | Uint8Array, string][] = [
    ["an empty payload", () => new Uint8Array(0), "image/empty"],
    ["a text", () => Buffer.from("this is no image\n"), "image/format"],
    ["an SVG", () => Buffer.from(svg), "image/format"],
    ["an SVG behind an XML head", () => Buffer.from(`<?xml version="1.0"?>${svg}`), "image/format"],
    ["a GIF", () => solid(9, 9).gif().toBuffer(), "image/format"],
    ["a TIFF", () => solid(9, 9).tiff().toBuffer(), "image/format"],
    ["an AVIF", () => solid(9, 9).avif({ effort: 0 }).toBuffer(), "image/format"],
    ["three bytes of a JPEG", () => Uint8Array.of(0xff, 0xd8, 0xff), "image/damaged"],
    ["a RIFF of another kind", () => Buffer.from("RIFF\0\0\0\0WAVEfmt "), "image/format"],
    ["half a JPEG", () => noise(60, 40).jpeg().toBuffer().then(cut(0.5)), "image/damaged"],
    ["99 % of a JPEG", () => noise(60, 40).jpeg().toBuffer().then(cut(0.99)), "image/damaged"],
    ["a tall JPEG without its cropped end", () => noise(40, 120).jpeg().toBuffer().then(cut(0.95)), "image/damaged"],
    ["half a PNG", () => noise(60, 40).png().toBuffer().then(cut(0.5)), "image/damaged"],
    ["a tall PNG without its cropped end", () => noise(40, 120).png().toBuffer().then(cut(0.95)), "image/damaged"],
    ["half a WebP", () => noise(60, 40).webp().toBuffer().then(cut(0.5)), "image/damaged"],
    ["a PNG of 50 MP", () => solid(8000, 6250).png({ compressionLevel: 1 }).toBuffer(), "image/too-many-pixels"],
    ["a PNG bomb: 4 gigapixels in 100 bytes", () => pngOf(65_535, 65_535), "image/too-many-pixels"],
    ["a PNG of no size", () => pngOf(0, 0), "image/damaged"],
  ];
  test.each(cases)("%s", async (_, create, code) => {
    await expect(prepareImage(await create(), options)).rejects.toMatchObject({ name: "AppError", code });
  });

  test("one pixel more than allowed", async () => {
    const file = await solid(101, 100).png().toBuffer();
    await expect(prepareImage(file, { ...options, maxPixels: 10_099 })).rejects.toMatchObject({
      code: "image/too-many-pixels",
    });
    await expect(prepareImage(file, { ...options, maxPixels: 10_100 })).resolves.toHaveLength(32 * 32 * 3);
  });

  test("damaged bytes end in an image or a coded error", async () => {
    const files = await Promise.all([
      noise(20, 16).jpeg().toBuffer(),
      noise(20, 16).png().toBuffer(),
      noise(20, 16).webp().toBuffer(),
    ]);
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), damage, async (file, changes) => {
        const damaged = Uint8Array.from(file);
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        const outcome = await prepareImage(damaged, options).catch((error: unknown) => error);
        expect(outcome instanceof AppError || (outcome as Uint8Array).length === 32 * 32 * 3).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

/** A PNG header of this size with almost no data. */
function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const data = deflateSync(Buffer.alloc(1000));
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}
