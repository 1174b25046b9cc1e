import { z } from "zod";
import { atLeast, section } from "./keys.ts";
import type { DriftChoice } from "./types.ts";

type Adwin = DriftChoice["error"]["adwin"];
type PageHinkley = DriftChoice["error"]["pageHinkley"];

/** Names and defaults are those of the pipeline's own settings; a test holds them together. */
function adwin({ delta, clock }: Pick<Adwin, "delta" | "clock">): z.ZodType<Adwin> {
  return section("ADWIN (Bifet and Gavaldà 2007), names as in MOA and River.", {
    delta: z.number().gt(0).lt(1).default(delta).describe("Bound on a false alarm at one look; more is quicker."),
    clock: atLeast(1, clock).max(10_000).describe("A look at every so many values."),
    maxBuckets: atLeast(2, 5).max(100).describe("Buckets of each size."),
    minWindow: atLeast(1, 5).max(10_000).describe("Fewest values on either side of a change."),
    grace: atLeast(0, 10).max(100_000).describe("No change in so few values."),
  });
}

function pageHinkley({ delta, threshold, alpha, minSamples }: PageHinkley): z.ZodType<PageHinkley> {
  return section("The Page–Hinkley test (Page 1954), names as in River.", {
    delta: z.number().min(0).default(delta).describe("A smaller rise is no matter."),
    threshold: z.number().gt(0).default(threshold).describe("λ; less is quicker, with more false alarms."),
    alpha: z.number().gt(0).max(1).default(alpha).describe("Forgetting factor."),
    minSamples: atLeast(1, minSamples).max(100_000).describe("No change before so many values."),
  });
}

const kind = z.enum(["adwin", "page-hinkley", "off"]);

export const driftSchema: z.ZodType<DriftChoice> = section(
  "The world that changes, and what follows: a message on `drift`, a checkpoint, a higher learning rate for a while.",
  {
    error: section("Watches the errors of labelled frames, of all cameras together.", {
      detector: kind.default("adwin").describe("The detector."),
      adwin: adwin({ delta: 0.05, clock: 8 }),
      pageHinkley: pageHinkley({ delta: 0.1, threshold: 15, alpha: 0.9999, minSamples: 30 }),
    }),
    similarity: section(
      "Watches, of each camera, how near its frames are to the prompts' keys; needs no labels. Values are in deviations from what is usual.",
      {
        detector: kind.default("page-hinkley").describe("The detector."),
        adwin: adwin({ delta: 0.002, clock: 1 }),
        pageHinkley: pageHinkley({ delta: 0.5, threshold: 10, alpha: 1, minSamples: 1 }),
        frames: atLeast(1, 4)
          .max(10_000)
          .describe("Frames whose mean is one value; more for a camera with many alike frames a second."),
        warmUp: atLeast(2, 12).max(10_000).describe("Values that tell what is usual, before any is judged."),
        memory: atLeast(2, 30).max(100_000).describe("Values that what is usual remembers, at least warmUp."),
        leastDeviation: z.number().min(0).default(0.005).describe("A camera that stands still is held against this."),
      },
    ),
    boost: z
      .number()
      .min(1)
      .max(100)
      .default(1)
      .describe(
        "What a drift multiplies the learning rate of the prompts and their head by; above 1 it wakes those that rest.",
      ),
    boostLabels: atLeast(1, 100).max(100_000).describe("Labels after which half of the boost is gone."),
    rollback: section(
      "Goes back by itself to what the learner was some labels ago, where that would have been right more often on the same frames. Costs one more prediction a label.",
      {
        enabled: z.boolean().default(false).describe("Whether it does."),
        windowLabels: atLeast(10, 300)
          .max(1_000_000)
          .describe(
            "It goes back so many labels at least and twice as many at most; runs of wrong labels this long are undone.",
          ),
        margin: z
          .number()
          .min(0)
          .max(0.2)
          .default(0.05)
          .describe("Share of the frames by which the earlier state must be right more often."),
        labelsPerMistake: atLeast(100, 100_000)
          .max(1e12)
          .describe("Labels on average, at least, before it goes back by chance alone."),
      },
    ),
  },
);
