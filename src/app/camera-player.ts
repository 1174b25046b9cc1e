import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createRng } from "../kernel/rng.ts";
import type { Topics } from "../message/topic.ts";

/** An image as a camera takes it, with what it shows where somebody knows. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly label: string | null;
}

export interface CameraOptions {
  readonly topics: Topics;
  readonly camera: string;
  /** Resolves when the message is on its way. */
  readonly publish: (topic: string, payload: Uint8Array | string, qos: 0 | 1) => Promise<void>;
  readonly framesPerSecond: number;
  /** Share of the frames that get a label, 0…1. */
  readonly labelShare: number;
  /** How long after its frame a label comes; between half and one and a half of it, as people are. */
  readonly labelDelayMs: number;
  /** Decides which frames get a label, and when. */
  readonly seed: number;
  /** Ends the play: no more frames; labels that are due are sent at once. */
  readonly signal?: AbortSignal;
  readonly onFrame?: (frames: number) => void;
}

export interface Played {
  readonly frames: number;
  readonly labels: number;
}

/**
 * Sends pictures as frames at a set rate, and labels for a share of them later; resolves when the last label is sent.
 * @throws what `publish` threw, of a frame or a label; the play ends with it.
 */
export async function playCamera(pictures: AsyncIterable<Picture>, options: CameraOptions): Promise<Played> {
  const { topics, camera, publish, framesPerSecond, labelShare, labelDelayMs, signal, onFrame } = options;
  const rng = createRng(options.seed);
  // Every label that is to come waits on it.
  if (signal) setMaxListeners(0, signal);
  // Unlike the ids of an earlier play: a node that still waits for that one's labels must not mix them up.
  const run = Date.now().toString(36);
  /** Labels that are still to be sent: a camera may play for days. */
  const open = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const start = performance.now();
  let frames = 0;
  let labels = 0;

  async function sendLabel(frameId: string, label: string, delayMs: number): Promise<void> {
    await pause(delayMs, signal);
    if (failures.length > 0) return;
    // Told of by the play: nobody else waits for this promise while frames go on.
    await publish(topics.label(camera, frameId), label, 1).catch((error: unknown) => failures.push(error));
  }

  for await (const { bytes, label } of pictures) {
    if (signal?.aborted || failures.length > 0) break;
    const frameId = `${run}-${frames}`;
    // With a label to come, the frame must arrive: QoS 1.
    const labelled = label !== null && rng.uniform() < labelShare;
    await publish(topics.frame(camera, frameId), bytes, labelled ? 1 : 0);
    if (labelled) {
      labels += 1;
      const sending = sendLabel(frameId, label, labelDelayMs * (0.5 + rng.uniform()));
      open.add(sending);
      void sending.then(() => open.delete(sending));
    }
    frames += 1;
    onFrame?.(frames);
    await pause(start + (frames * 1000) / framesPerSecond - performance.now(), signal);
  }
  await Promise.all(open);
  if (failures.length > 0) throw failures[0];
  return { frames, labels };
}

/** Waits, but no longer than until the signal. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0 || signal?.aborted) return;
  await sleep(ms, undefined, signal && { signal }).catch(() => {});
}
