import { isAppError } from "../kernel/errors.ts";
import type { Learner, Sample } from "../learner/types.ts";
import type { HeldFrame } from "./frame-window.ts";
import type { Log } from "./parts.ts";
import type { Lane, Turn } from "./turn.ts";

/** Encoded bytes → sRGB pixels [imageSize, imageSize, 3]. @throws AppError `image/…` for what is no usable image */
export type Prepare = (bytes: Uint8Array) => Promise<Uint8Array>;

export interface EmbedParts {
  readonly prepare: Prepare;
  readonly learner: Pick<Learner, "query">;
  readonly turn: Turn;
  readonly log: Log;
}

/**
 * A frame as the learner takes it. Its query is computed once, alone (batch 1), and kept with the frame; pixels are
 * made again when needed, because they are ten times the size of the encoded image.
 * @throws AppError why it is no image; the frame remembers that
 */
export async function embed(frame: HeldFrame, lane: Lane, parts: EmbedParts): Promise<Sample> {
  if (frame.failure !== null) throw frame.failure;
  const pixels = await pixelsOf(frame, parts);
  frame.query ??= await parts.turn.run(lane, () => parts.learner.query(pixels));
  return { pixels, query: frame.query };
}

async function pixelsOf(frame: HeldFrame, { prepare }: EmbedParts): Promise<Uint8Array> {
  try {
    return await prepare(frame.bytes);
  } catch (error) {
    if (isAppError(error)) frame.failure = error;
    throw error;
  }
}
