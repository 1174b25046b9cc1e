import { z } from "zod";
import { appError } from "../kernel/errors.ts";
import type { DriftAlarms } from "./drift-alarms.ts";
import type { Bin, Prequential } from "./metrics.ts";
import type { Point } from "./record.ts";
import type { Segment } from "./scenario.ts";

/** Everything that decides a cell's numbers, but for its cost. */
export interface CellSpec {
  readonly scenario: string;
  readonly protocol: "single-pass" | "paper";
  /** Images of each class; null is all there are. */
  readonly perClass: number | null;
  readonly testPerClass: number | null;
  readonly batch: number;
  readonly labelShare: number;
  readonly labelDelay: number;
  /** Absent for random ones. */
  readonly labels?: "asked" | "by-chance" | undefined;
  /** Classes that are never labelled; absent for none. */
  readonly heldOut?: number | undefined;
  readonly method: string;
  readonly seed: number;
  readonly model: { readonly name: string; readonly id: string };
  /** sha256 of all images in their order: what the scenario and the seed make of the data. */
  readonly images: string;
  /** What shapes the method. */
  readonly settings?: unknown;
}

/** Accuracies are shares, 0…1. */
export interface Metrics {
  readonly averageAccuracy: number;
  readonly forgetting: number | null;
  readonly backwardTransfer: number | null;
  readonly aAuc: number;
  readonly aLast: number;
  readonly prequential: Prequential;
  readonly calibrationError: number | null;
  readonly promptSharing: number | null;
  /** Labels learned, each as often as the protocol has it; null in results of earlier versions. */
  readonly labels: number | null;
  /** Null for a method without a measure of novelty. */
  readonly unknown: UnknownMetrics | null;
  /** The same of each head alone; null where it rests at the end, and where it rested for some frames. */
  readonly heads: Readonly<
    Record<string, { readonly averageAccuracy: number | null; readonly prequential: number | null }>
  >;
}

/** Of the frames that were judged: whose class had been learned, and those whose class had not. */
export interface UnknownMetrics {
  readonly known: number;
  readonly novel: number;
  /** Of the novelty score; null where there were none of either. */
  readonly areaUnderRoc: number | null;
  /** Shares of either that were called unknown; null for none. */
  readonly falseAlarms: number | null;
  readonly found: number | null;
}

/** On the machine that ran it; differs from run to run. */
export interface Cost {
  /** Of a sample, without preparing the image and without q(x). */
  readonly learnMs: number;
  readonly predictMs: number;
  /** Of one q(x); null for a method that does not use it. */
  readonly queryMs: number | null;
  readonly stateBytes: number;
  /** Images that the method stores, and the bytes of their files. */
  readonly bufferImages: number;
  readonly bufferBytes: number;
}

/** One scenario, method and seed. */
export interface CellResult {
  readonly v: 1;
  readonly spec: CellSpec;
  readonly stream: {
    readonly frames: number;
    readonly classes: number;
    readonly segments: readonly Segment[];
    readonly tests: readonly { readonly name: string; readonly images: number; readonly learnedIn: number }[];
  };
  readonly points: readonly Point[];
  /** Frame by frame `1` for right and `0` for wrong before its label came: of the method, and of each head where it did not rest. */
  readonly right: Readonly<Record<string, string>>;
  readonly bins: readonly Bin[];
  readonly promptUse: readonly (readonly number[])[] | null;
  /** Null for what is no learner of a node. */
  readonly drift: DriftAlarms | null;
  readonly metrics: Metrics;
  readonly cost: Cost;
}

const number = z.number();
const whole = z.int().min(0);
const maybe = number.nullable();

const specSchema: z.ZodType<CellSpec> = z.object({
  scenario: z.string(),
  protocol: z.enum(["single-pass", "paper"]),
  perClass: whole.nullable(),
  testPerClass: whole.nullable(),
  batch: z.int().min(1),
  labelShare: number,
  labelDelay: whole,
  labels: z.enum(["asked", "by-chance"]).optional(),
  heldOut: whole.optional(),
  method: z.string(),
  seed: z.int(),
  model: z.object({ name: z.string(), id: z.string() }),
  images: z.string(),
  settings: z.unknown(),
});

const resultSchema: z.ZodType<CellResult> = z.object({
  v: z.literal(1),
  spec: specSchema,
  stream: z.object({
    frames: whole,
    classes: whole,
    segments: z.array(z.object({ name: z.string(), end: whole })),
    tests: z.array(z.object({ name: z.string(), images: whole, learnedIn: whole })),
  }),
  points: z.array(
    z.object({
      after: whole,
      segment: whole.nullable(),
      stop: z.boolean(),
      scores: z.record(z.string(), z.object({ tests: z.array(number), seen: number })),
    }),
  ),
  right: z.record(z.string(), z.string().regex(/^[01]*$/)),
  bins: z.array(z.object({ count: whole, confidence: number, right: whole })),
  promptUse: z.array(z.array(whole)).nullable(),
  drift: z
    .object({ error: z.array(whole), similarity: z.array(whole) })
    .nullable()
    .default(null),
  metrics: z.object({
    averageAccuracy: number,
    forgetting: maybe,
    backwardTransfer: maybe,
    aAuc: number,
    aLast: number,
    prequential: z.object({ overall: number, secondHalf: number, windowed: number, fading: number }),
    calibrationError: maybe,
    promptSharing: maybe,
    labels: whole.nullable().default(null),
    unknown: z
      .object({ known: whole, novel: whole, areaUnderRoc: maybe, falseAlarms: maybe, found: maybe })
      .nullable()
      .default(null),
    heads: z.record(z.string(), z.object({ averageAccuracy: maybe, prequential: maybe })),
  }),
  cost: z.object({
    learnMs: number,
    predictMs: number,
    queryMs: maybe,
    stateBytes: whole,
    bufferImages: whole,
    bufferBytes: whole,
  }),
});

/** @throws AppError `evaluate/result` for what is no result */
export function parseResult(json: string, from: string): CellResult {
  try {
    return resultSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw appError("evaluate/result", `${from} is no result of this version`, { cause });
  }
}

/** One text for equal results. */
export function formatResult(result: CellResult): string {
  return `${JSON.stringify(result, null, 1)}\n`;
}

/** Cells of one group differ by method and seed only, and compare: their folder, and their table. */
export function groupName(spec: CellSpec): string {
  const parts = [spec.scenario];
  if (spec.protocol === "paper") parts.push("paper");
  if (spec.perClass !== null) parts.push(`${spec.perClass}-per-class`);
  if (spec.testPerClass !== null) parts.push(`${spec.testPerClass}-test`);
  if (spec.batch !== 16) parts.push(`batch-${spec.batch}`);
  if (spec.labelShare !== 1) parts.push(`share-${spec.labelShare}`);
  if (spec.labels !== undefined) parts.push(spec.labels);
  if (spec.heldOut !== undefined) parts.push(`${spec.heldOut}-held-out`);
  if (spec.labelDelay !== 0) parts.push(`delay-${spec.labelDelay}`);
  return [...parts, spec.model.name].join("-");
}
