import { z } from "zod";
import { atLeast, bytes, milliseconds, section } from "./keys.ts";
import type { StreamChoice } from "./types.ts";

/** Names and defaults are those of the pipeline's own settings; a test holds them together. */
export const streamSchema: z.ZodType<StreamChoice> = section("Bounds and periods of the pipeline.", {
  maxFrameBytes: bytes(1024, 8 * 2 ** 20)
    .max(256 * 2 ** 20)
    .describe("Largest image file; larger ones are rejected."),
  maxImagePixels: atLeast(1024, 40_000_000).describe("Most pixels of an image, checked before it is decoded."),
  maxCameras: atLeast(1, 64).describe(
    "Cameras with a frame waiting; beyond, the one that waits longest loses its frame.",
  ),
  parallelFrames: atLeast(1, 2).max(64).describe("Frames decoded at once, each of another camera."),
  labelWindowMs: milliseconds(0, 10 * 60_000).describe(
    "How long a frame waits for its label, and a label for its frame.",
  ),
  labelWindowFrames: atLeast(1, 2000).describe("Most frames that wait."),
  labelWindowBytes: bytes(1024, 128 * 2 ** 20).describe("Their most bytes in memory."),
  correctionWindowMs: milliseconds(0, 60_000).describe(
    "How long a learned frame stays for a correction; 0: it goes at once.",
  ),
  maxPendingLabels: atLeast(1, 1000).describe("Labels on disk that are not learned yet."),
  maxLabels: atLeast(2, 1000).describe("Different labels that may ever be learned."),
  dedupeFrames: atLeast(1, 10_000).describe("Labelled frames remembered to know a repeated label by."),
  learnBatch: atLeast(1, 8).max(32).describe("Most samples of one update."),
  learnMaxWaitMs: milliseconds(0, 0).describe("How long an incomplete batch waits for more; 0: takes what is there."),
  whenJournalFull: z
    .enum(["hold", "reject"])
    .default("reject")
    .describe(
      "A label that finds no room: rejected, or held at the broker until there is. While learning is paused, labels beyond maxPendingLabels are rejected all the same: commands wait behind what is held.",
    ),
  journalWaitMs: milliseconds(0, 5000).describe("How long a label waits for room in the journal."),
  journalRetryMs: milliseconds(1, 250).describe("How often it is tried meanwhile."),
  asksPerHour: atLeast(0, 60)
    .max(3600)
    .describe("Labels that predictions ask for in an hour, those with the closest runner-up first; 0: none."),
  telemetryMs: milliseconds(100, 5000).describe("Period of telemetry."),
  accuracyWindow: atLeast(1, 200).describe("Samples in the windowed accuracy."),
  accuracyFading: z.number().gt(0).lt(1).default(0.99).describe("α of the fading accuracy."),
  drainMs: milliseconds(0, 10_000).describe(
    "At a stop: how long what waits may still be learned. The rest stays on disk.",
  ),
});
