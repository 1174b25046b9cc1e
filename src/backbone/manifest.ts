import { z } from "zod";
import { appError } from "../kernel/errors.ts";
import type { VitArchitecture } from "./architecture.ts";

/** How an image is brought to the model's square: by which rule and which resampling kernel (sharp's names). */
export interface ResizeRule {
  /** `cover`: fill the square and crop the middle; `fill`: squeeze the whole image into it. */
  readonly resize: "cover" | "fill";
  readonly kernel: "cubic" | "linear" | "lanczos3";
}

/** What a model's weights are, and how images must be prepared for them. */
export interface Manifest extends ResizeRule {
  readonly v: 1;
  /** e.g. `vit_tiny_patch16_224`. */
  readonly name: string;
  readonly architecture: VitArchitecture;
  /** Of the weights file, hex. */
  readonly sha256: string;
  /** Pixels in 0…1 become (pixel − mean) / std, a channel (R, G, B) each. */
  readonly mean: readonly [number, number, number];
  /** Greater than 0. */
  readonly std: readonly [number, number, number];
  /** SPDX identifier of the weights' licence, or `unknown`. */
  readonly licence: string;
  /** Where the weights come from, in words or as an address. */
  readonly source: string;
  /** Name of the teacher, for a distilled model. */
  readonly distilledFrom?: string | undefined;
  /** The data, for a model that was trained here. */
  readonly trainedOn?: string | undefined;
}

/** Models that are known by the sha256 of their weights. */
export interface Catalogue {
  readonly v: 1;
  readonly models: readonly Manifest[];
}

const number = z.number();
const positive = number.positive();
const count = z.int().positive();

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  v: z.literal(1),
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -"),
  architecture: z.strictObject({
    imageSize: count,
    patchSize: count,
    width: count,
    depth: count,
    heads: count,
    mlpWidth: count,
    layerNormEps: positive,
  }),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"),
  mean: z.tuple([number, number, number]),
  std: z.tuple([positive, positive, positive]),
  resize: z.enum(["cover", "fill"]),
  kernel: z.enum(["cubic", "linear", "lanczos3"]),
  licence: z.string().min(1),
  source: z.string().min(1),
  distilledFrom: z.string().optional(),
  trainedOn: z.string().optional(),
});

const catalogueSchema: z.ZodType<Catalogue> = z.strictObject({ v: z.literal(1), models: z.array(manifestSchema) });

/** `from` names the file in errors. @throws AppError `manifest/invalid`, naming every key at fault. */
export function parseManifest(json: string, from: string): Manifest {
  return parse(manifestSchema, json, from);
}

/** @throws AppError `manifest/invalid` */
export function parseCatalogue(json: string, from: string): Catalogue {
  return parse(catalogueSchema, json, from);
}

function parse<T>(schema: z.ZodType<T>, json: string, from: string): T {
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
