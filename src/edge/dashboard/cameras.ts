import type { ShownLearned, ShownPrediction } from "./inputs.ts";

/** What the page shows of one camera. Times are ms since the epoch. */
interface CameraView {
  readonly name: string;
  frameId: string;
  /** Grows with every frame: the page asks for the picture again when it did. */
  sequence: number;
  label: string | null;
  confidence: number;
  /** Unlike anything learned. */
  unknown: boolean;
  top: ShownPrediction["top"];
  latencyMs: number;
  at: number;
  /** The newest label that came for one of its frames. */
  verdict: { frameId: string; label: string; predicted: string | null; correct: boolean | null; at: number } | null;
  /** The last labels, oldest first: `1` right, `0` wrong. */
  outcomes: string;
}

const maxCameras = 64;
/** Larger pictures are not kept for the page, bytes. */
const maxImageBytes = 4 * 1024 * 1024;
/** The last few are kept, so that a page gets the very picture whose prediction it shows; of large ones fewer. */
const smallImageBytes = 128 * 1024;
const maxSmallImages = 4;
const maxLargeImages = 2;
const maxOutcomes = 40;

interface Picture {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export interface Cameras {
  /** Sorted by name. */
  readonly views: readonly CameraView[];
  /** The picture of that sequence number while it is kept, and never another's; without a number, the newest. */
  image(name: string, sequence?: number): Uint8Array | undefined;
  /** @returns whether the camera was new. */
  frame(camera: string, image: Uint8Array, prediction: ShownPrediction, now: number): boolean;
  learned(camera: string, learned: ShownLearned, now: number): void;
}

/** The newest picture and prediction of each camera; at the bound, the camera that was silent longest goes. */
export function createCameras(): Cameras {
  const views = new Map<string, CameraView>();
  const pictures = new Map<string, Picture[]>();

  function makeRoom(): void {
    if (views.size < maxCameras) return;
    const oldest = [...views.values()].reduce((a, b) => (b.at < a.at ? b : a));
    views.delete(oldest.name);
    pictures.delete(oldest.name);
  }

  function keep(camera: string, picture: Picture): void {
    const { length } = picture.bytes;
    const kept = length <= maxImageBytes ? [...(pictures.get(camera) ?? []), picture] : [];
    pictures.set(camera, kept.slice(length <= smallImageBytes ? -maxSmallImages : -maxLargeImages));
  }

  return {
    get views() {
      return [...views.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    image(name, sequence) {
      const kept = pictures.get(name);
      const found = sequence === undefined ? kept?.at(-1) : kept?.find((picture) => picture.sequence === sequence);
      return found?.bytes;
    },
    frame(camera, image, prediction, now) {
      const before = views.get(camera);
      if (!before) makeRoom();
      const { frameId, label, confidence, unknown, top, latencyMs } = prediction;
      const sequence = (before?.sequence ?? 0) + 1;
      views.set(camera, {
        name: camera,
        frameId,
        sequence,
        label,
        confidence,
        unknown,
        top: top.slice(0, 3),
        latencyMs,
        at: now,
        verdict: before?.verdict ?? null,
        outcomes: before?.outcomes ?? "",
      });
      keep(camera, { sequence, bytes: image });
      return before === undefined;
    },
    learned(camera, { frameId, label, predicted, correct }, now) {
      const view = views.get(camera);
      if (!view) return;
      view.verdict = { frameId, label, predicted, correct, at: now };
      if (correct !== null) view.outcomes = (view.outcomes + (correct ? "1" : "0")).slice(-maxOutcomes);
    },
  };
}
