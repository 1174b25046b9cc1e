import sharp, { type Sharp } from "sharp";
import { appError } from "../kernel/errors.ts";
import type { ResizeRule } from "./manifest.ts";

// Every frame is another image: libvips' cache of operations would only hold memory. One thread an image: frames are
// many and small, and the other cores belong to the backbone.
sharp.cache(false);
sharp.concurrency(1);

export interface PrepareOptions extends ResizeRule {
  /** Side of the backbone's square input, pixels. */
  readonly imageSize: number;
  /** Width × height that is decoded at most; checked on the header, before any pixel. */
  readonly maxPixels: number;
}

/** What a transparent pixel shows: the middle grey is nothing, after normalisation. */
const background = "#808080";

type Format = "jpeg" | "png" | "webp";

/**
 * An image file as the backbone sees it: upright (EXIF), sRGB, 8 bits, no alpha, square → bytes [imageSize, imageSize, 3].
 * Of an animation, the first picture.
 * @throws AppError `image/empty`, `image/format`, `image/too-many-pixels`, `image/damaged`
 */
export async function prepareImage(bytes: Uint8Array, options: PrepareOptions): Promise<Uint8Array> {
  const { imageSize, resize, kernel, maxPixels } = options;
  if (bytes.length === 0) throw appError("image/empty", "there are no bytes");
  const format = formatOf(bytes);
  if (format === undefined) throw appError("image/format", "not a JPEG, PNG or WebP image by its first bytes");
  if (!hasEnd(bytes, format)) throw appError("image/damaged", `the ${format} image has no end: it was cut short`);

  // `error` and not `warning`: cameras write JPEGs with harmless oddities; cut-short ones are refused either way.
  const image = sharp(bytes, { failOn: "error", limitInputPixels: maxPixels, autoOrient: true });
  await checkHeader(image, format, maxPixels);
  const pipeline = image
    .flatten({ background })
    .resize(imageSize, imageSize, { fit: resize, position: "centre", kernel })
    .toColourspace("srgb")
    .raw({ depth: "uchar" });
  const { data, info } = await decode(() => pipeline.toBuffer({ resolveWithObject: true }));
  if (info.channels !== 3 || data.length !== imageSize * imageSize * 3) {
    throw appError("image/damaged", `decodes to ${info.width}×${info.height} in ${info.channels} channels`);
  }
  return data;
}

async function checkHeader(image: Sharp, format: Format, maxPixels: number): Promise<void> {
  const header = await decode(() => image.metadata());
  if (header.format !== format) throw appError("image/format", `begins like ${format}, is ${header.format}`);
  const pixels = header.width * header.height;
  if (pixels > maxPixels) {
    throw appError(
      "image/too-many-pixels",
      `${header.width}×${header.height}; at most ${maxPixels} pixels are decoded`,
    );
  }
}

/** Runs sharp, with its errors made ours. @throws AppError `image/too-many-pixels`, `image/damaged` */
export async function decode<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
    if (reason.includes("exceeds pixel limit")) throw appError("image/too-many-pixels", reason, { cause });
    throw appError("image/damaged", reason, { cause });
  }
}

/** By the file signatures of ISO 10918-1, PNG (ISO 15948, 5.2) and RFC 9649. */
function formatOf(bytes: Uint8Array): Format | undefined {
  const starts = (offset: number, ...signature: number[]): boolean =>
    signature.every((byte, i) => bytes[offset + i] === byte);
  if (starts(0, 0xff, 0xd8, 0xff)) return "jpeg";
  if (starts(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "png";
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return "webp";
  return undefined;
}

/** The decoder reads no further than `cover` needs, so it would not notice that the cropped rows are missing. */
function hasEnd(bytes: Uint8Array, format: Format): boolean {
  // A WebP header has the length, which the decoder checks.
  if (format === "webp") return true;
  // Searched, because cameras append their own data after the end.
  const end = format === "jpeg" ? Buffer.of(0xff, 0xd9) : Buffer.from("IEND");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(end) > 0;
}
