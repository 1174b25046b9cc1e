import sharp, { type Sharp } from "sharp";
import { decode, prepareImage } from "../backbone/preprocess.ts";
import type { View } from "./view.ts";

const maxPixels = 16_000_000;

/** One view at several sizes: sRGB bytes [size, size, 3] for each of `sizesPx`. @throws AppError `image/…` */
export async function renderView(bytes: Uint8Array, view: View, sizesPx: readonly number[]): Promise<Uint8Array[]> {
  const { crop, lowSidePx, gains, saturation } = view;
  if (crop === undefined) {
    const rule = { resize: "cover", kernel: "cubic", maxPixels } as const;
    return await Promise.all(sizesPx.map((imageSize) => prepareImage(bytes, { imageSize, ...rule })));
  }

  const image = sharp(bytes, { failOn: "error", limitInputPixels: maxPixels, autoOrient: true });
  const pixels = image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
  const { data, info } = await decode(() => pixels.toBuffer({ resolveWithObject: true }));
  const whole = sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
  const width = Math.max(1, Math.round(crop.width * info.width));
  const height = Math.max(1, Math.round(crop.height * info.height));
  let part = whole.extract({
    left: Math.min(info.width - width, Math.round(crop.left * info.width)),
    top: Math.min(info.height - height, Math.round(crop.top * info.height)),
    width,
    height,
  });
  if (lowSidePx !== undefined && lowSidePx < Math.max(width, height)) {
    const low = await square(part, lowSidePx).raw().toBuffer();
    part = sharp(low, { raw: { width: lowSidePx, height: lowSidePx, channels: 3 } });
  }
  return await Promise.all(
    sizesPx.map(async (size) => {
      let shown = square(part.clone(), size);
      if (saturation !== undefined) shown = shown.modulate({ saturation });
      if (gains !== undefined) shown = shown.linear([...gains], [0, 0, 0]);
      return await shown.raw({ depth: "uchar" }).toBuffer();
    }),
  );
}

function square(image: Sharp, side: number): Sharp {
  return image.resize(side, side, { fit: "fill", kernel: "cubic" });
}
