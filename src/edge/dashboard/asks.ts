import type { ShownPrediction } from "./inputs.ts";

/** A frame that waits for somebody who knows what it shows. */
interface Ask {
  readonly camera: string;
  readonly frameId: string;
  readonly label: string | null;
  readonly confidence: number;
  readonly top: ShownPrediction["top"];
  /** ms since the epoch. */
  readonly at: number;
}

interface HeldAsk {
  readonly ask: Ask;
  readonly image: Uint8Array;
}

const maxAsks = 12;
/** Frames that follow each other closely show the same: of these the least sure one asks, ms. */
const nearMs = 1500;
const maxImageBytes = 1024 * 1024;

export interface Asks {
  /** The least sure first. */
  readonly views: readonly Ask[];
  image(camera: string, frameId: string): Uint8Array | undefined;
  /** All three: @returns whether something changed. */
  frame(camera: string, image: Uint8Array, prediction: ShownPrediction, now: number): boolean;
  settled(camera: string, frameId: string): boolean;
  sweep(now: number): boolean;
}

/** The frames of which the box is least sure, while their label can still come. @param windowMs How long that is. */
export function createAsks(windowMs: () => number): Asks {
  let held: readonly HeldAsk[] = [];

  function keep(next: readonly HeldAsk[]): boolean {
    if (next.length === held.length) return false;
    held = next;
    return true;
  }

  return {
    get views() {
      return held.map(({ ask }) => ask);
    },
    image: (camera, frameId) => held.find(({ ask }) => ask.camera === camera && ask.frameId === frameId)?.image,
    frame(camera, image, { frameId, label, confidence, top }, now) {
      if (image.length > maxImageBytes) return false;
      const near = held.find(({ ask }) => ask.camera === camera && now - ask.at < nearMs);
      if (near !== undefined && near.ask.confidence <= confidence) return false;
      const rest = held.filter((one) => one !== near && !(one.ask.camera === camera && one.ask.frameId === frameId));
      if (rest.length >= maxAsks && rest.at(-1)!.ask.confidence <= confidence) return false;
      const ask = { camera, frameId, label, confidence, top: top.slice(0, 3), at: now };
      const after = rest.findIndex((one) => one.ask.confidence > confidence);
      held = rest.toSpliced(after < 0 ? rest.length : after, 0, { ask, image }).slice(0, maxAsks);
      return true;
    },
    settled: (camera, frameId) => keep(held.filter(({ ask }) => ask.camera !== camera || ask.frameId !== frameId)),
    // A little sooner than the window ends: a person needs some seconds.
    sweep: (now) => keep(held.filter(({ ask }) => now - ask.at < 0.8 * windowMs())),
  };
}
