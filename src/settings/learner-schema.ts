import { z } from "zod";
import { section } from "./keys.ts";
import type { LearnerChoice } from "./types.ts";

const count = z.int().min(1).max(10_000).optional();
const share = z.number().min(0).max(1).optional();
const weight = z.number().min(0).max(1000).optional();

const overrides = section("What differs from the preset.", {
  heads: z
    .array(z.enum(["prompted", "statistics"]))
    .min(1)
    .optional()
    .describe("prompted: L2P; statistics: closed-form head on the query."),
  topLabels: count.describe("Most labels in a prediction's `top`."),
  pool: z
    .strictObject({
      size: count.describe("M: prompts in the pool."),
      promptLength: count.describe("Lp: tokens in a prompt."),
      topN: count.describe("N: prompts selected for a sample, at most M."),
      diversityPenalty: z.boolean().optional().describe("Prefer prompts that were used less."),
    })
    .optional(),
  loss: z
    .strictObject({
      pullWeight: weight.describe("λ: pull of selected keys towards the query."),
      labelSmoothing: share,
    })
    .optional(),
  optimiser: z
    .strictObject({
      learningRate: z.number().gt(0).max(10).optional(),
      keyRate: weight.describe("The keys' rate as a share of the others'."),
      clipNorm: z.number().gt(0).max(1000).optional(),
      stepsPerBatch: z.int().min(1).max(100).optional(),
    })
    .optional(),
  combine: z
    .strictObject({
      priorStrength: z
        .number()
        .gt(0)
        .max(1000)
        .optional()
        .describe("How firmly the heads' weights start at the preset's."),
      memorySamples: count.describe("Samples that the heads' weights are fitted to."),
    })
    .optional(),
  unknown: z
    .strictObject({
      falseAlarmShare: share.describe(
        "Share of the frames of known labels that may be called unknown; 0: none ever is.",
      ),
    })
    .optional(),
});

export const learnerSchema: z.ZodType<LearnerChoice> = section("How it learns.", {
  preset: z
    .enum([
      "stream",
      "paper",
      "paper-cifar100-first-release",
      "paper-cifar100-ports",
      "paper-five-datasets",
      "paper-core50",
    ])
    .default("stream")
    .describe("stream: for one pass over bursty labels. paper…: L2P as published (paper: Split CIFAR-100)."),
  seed: z.int().min(0).max(0xffff_ffff).default(0).describe("Same seed and same batches: same state."),
  overrides,
});
