import type { ShownPrediction } from "./inputs.ts";

/** A frame that waits for somebody who knows what it shows. */
interface Ask {
  readonly camera: string;
  readonly frameId: string;
  readonly label: string | null;
  readonly confidence: number;
  readonly unknown: boolean;
  /** The learner asks for it itself. */
  readonly wanted: boolean;
  readonly top: ShownPrediction["top"];
  /** ms since the epoch. */
  readonly at: number;
}

interface HeldAsk {
  readonly ask: Ask;
  readonly image: Uint8Array;
}

const maxAsks = 12;
/** Frames that follow each other closely show the same: of these the most urgent one asks, ms. */
const nearMs = 1500;
const maxImageBytes = 1024 * 1024;

export interface Asks {
  /** Those whose label the learner asks for, then the others; the least sure first. */
  readonly views: readonly Ask[];
  image(camera: string, frameId: string): Uint8Array | undefined;
  /** All three: @returns whether something changed. */
  frame(camera: string, image: Uint8Array, prediction: ShownPrediction, now: number): boolean;
  settled(camera: string, frameId: string): boolean;
  sweep(now: number): boolean;
}

/** Least first: what the learner asks for comes before all else. */
function urgency({ wanted, confidence }: Pick<Ask, "wanted" | "confidence">): number {
  return confidence + (wanted ? 0 : 1);
}

/** The frames that the learner asks about, and those of which the box is least sure, while their label can still come. @param windowMs How long that is. */
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
    frame(camera, image, prediction, now) {
      if (image.length > maxImageBytes) return false;
      const { frameId, label, confidence, unknown, wantsLabel: wanted } = prediction;
      const urgent = urgency({ wanted, confidence });
      const near = held.find(({ ask }) => ask.camera === camera && now - ask.at < nearMs);
      if (near !== undefined && urgency(near.ask) <= urgent) return false;
      const rest = held.filter((one) => one !== near && !(one.ask.camera === camera && one.ask.frameId === frameId));
      if (rest.length >= maxAsks && urgency(rest.at(-1)!.ask) <= urgent) return false;
      const top = prediction.top.slice(0, 3);
      const ask = { camera, frameId, label, confidence, unknown, wanted, top, at: now };
      const after = rest.findIndex((one) => urgency(one.ask) > urgent);
      held = rest.toSpliced(after < 0 ? rest.length : after, 0, { ask, image }).slice(0, maxAsks);
      return true;
    },
    settled: (camera, frameId) => keep(held.filter(({ ask }) => ask.camera !== camera || ask.frameId !== frameId)),
    // A little sooner than the window ends: a person needs some seconds.
    sweep: (now) => keep(held.filter(({ ask }) => now - ask.at < 0.8 * windowMs())),
  };
}
