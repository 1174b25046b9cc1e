import { z } from "zod";
import { appError } from "../kernel/errors.ts";
import type { VitArchitecture } from "./architecture.ts";

/** How an image is brought to the model's square: by which rule and which resampling kernel (sharp's names). */
export interface ResizeRule {
  /** `cover`: fill the square and crop the middle; `fill`: squeeze the whole image into it. */
  readonly resize: "cover" | "fill";
  readonly kernel: "cubic" | "linear" | "lanczos3";
}

/** What weights are and how images must be prepared for them: the part a manifest and a catalogue share. */
export interface Description extends ResizeRule {
  readonly architecture: VitArchitecture;
  /** Pixels in 0…1 become (pixel − mean) / std, a channel (R, G, B) each. */
  readonly mean: readonly [number, number, number];
  /** Greater than 0. */
  readonly std: readonly [number, number, number];
  /** SPDX identifier of the weights' licence, or `unknown`. */
  readonly licence: string;
  /** Where the weights come from, in words or as an address. */
  readonly source: string;
}

/** The file that a model was installed from. */
export interface Origin {
  /** Its address, or its name on the disk it came from. */
  readonly from: string;
  /** Of that file, hex; the manifest's own where nothing was converted. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** `catalogue`: the hash was known before; `first-use`: it was learned when the file came, and trusted. */
  readonly trust: "catalogue" | "first-use";
  /** The hub's commit. */
  readonly revision?: string | undefined;
  /** What was changed in it, in words. */
  readonly converted?: readonly string[] | undefined;
}

/** What the frozen weights are stored as; `int8`: those of the blocks' products, the rest in float32. */
export type Precision = "fp32" | "fp16" | "int8";

export const precisions: readonly Precision[] = ["fp32", "fp16", "int8"];

/** What a model's weights are, and how images must be prepared for them. */
export interface Manifest extends Description {
  readonly v: 1;
  /** e.g. `vit_tiny_patch16_224`. */
  readonly name: string;
  /** Of the weights file, hex. */
  readonly sha256: string;
  /** Of a model that was converted to it; of others the number types in the file tell it. */
  readonly precision?: Precision | undefined;
  /** sha256 of the weights that it was made from by rounding them to `precision`. */
  readonly variantOf?: string | undefined;
  /** Name of the teacher, for a distilled model. */
  readonly distilledFrom?: string | undefined;
  /** The data, for a model that was trained here. */
  readonly trainedOn?: string | undefined;
  /** For a model that `model pull` or `model import` installed. */
  readonly origin?: Origin | undefined;
}

const number = z.number();
const positive = number.positive();
const count = z.int().positive();

export const sha256Schema: z.ZodType<string> = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");

const architectureSchema: z.ZodType<VitArchitecture> = z.strictObject({
  imageSize: count,
  patchSize: count,
  width: count,
  depth: count,
  heads: count,
  mlpWidth: count,
  layerNormEps: positive,
});

const channels = z.tuple([number, number, number]);

/** The keys of a `Description`. */
export const descriptionKeys: { readonly [Key in keyof Description]: z.ZodType<Description[Key]> } = {
  architecture: architectureSchema,
  mean: channels,
  std: z.tuple([positive, positive, positive]),
  resize: z.enum(["cover", "fill"]),
  kernel: z.enum(["cubic", "linear", "lanczos3"]),
  licence: z.string().min(1),
  source: z.string().min(1),
};

const originSchema: z.ZodType<Origin> = z.strictObject({
  from: z.string().min(1),
  sha256: sha256Schema,
  sizeBytes: count,
  trust: z.enum(["catalogue", "first-use"]),
  revision: z.string().optional(),
  converted: z.array(z.string()).optional(),
});

export const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  v: z.literal(1),
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -"),
  ...descriptionKeys,
  sha256: sha256Schema,
  precision: z.enum(["fp32", "fp16", "int8"]).optional(),
  variantOf: sha256Schema.optional(),
  distilledFrom: z.string().optional(),
  trainedOn: z.string().optional(),
  origin: originSchema.optional(),
});

/** `from` names the file in errors. @throws AppError `manifest/invalid`, naming every key at fault. */
export function parseManifest(json: string, from: string): Manifest {
  return parseJson(manifestSchema, json, from);
}

/** @throws AppError `manifest/invalid`, naming every key at fault. */
export function parseJson<T>(schema: z.ZodType<T>, json: string, from: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw appError("manifest/invalid", `${from} is not JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`);
  throw appError("manifest/invalid", `${from}: ${faults.join("; ")}`);
}
