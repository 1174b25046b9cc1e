import { z } from "zod";
import { appError } from "../kernel/errors.ts";

const three = z.tuple([z.number(), z.number(), z.number()]);
const threePositive = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);
const count = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");

/** What a model's weights are, and how images must be prepared for them. */
const manifestSchema = z.strictObject({
  v: z.literal(1),
  /** e.g. `vit_tiny_patch16_224`. */
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 . _ -"),
  architecture: z.strictObject({
    imageSize: count,
    patchSize: count,
    width: count,
    depth: count,
    heads: count,
    mlpWidth: count,
    layerNormEps: z.number().positive(),
  }),
  /** Of the weights file, hex. */
  sha256,
  /** Pixels in 0…1 become (pixel − mean) / std, a channel (R, G, B) each. */
  mean: three,
  std: threePositive,
  /** `cover`: fill the square and crop the middle; `fill`: squeeze the whole image into it. */
  resize: z.enum(["cover", "fill"]),
  kernel: z.enum(["cubic", "linear", "lanczos3"]),
  /** SPDX identifier of the weights' licence, or `unknown`. */
  licence: z.string().min(1),
  /** Where the weights come from, in words or as an address. */
  source: z.string().min(1),
  /** Name of the teacher, for a distilled model. */
  distilledFrom: z.string().optional(),
  trainedOn: z.string().optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** @throws AppError `manifest/invalid`, naming every key at fault. */
export function parseManifest(json: string, from: string): Manifest {
  return checked(manifestSchema, json, from);
}

const catalogueSchema = z.strictObject({ v: z.literal(1), models: z.array(manifestSchema) });

/** Models that are known by the sha256 of their weights. */
export type Catalogue = z.infer<typeof catalogueSchema>;

/** @throws AppError `manifest/invalid` */
export function parseCatalogue(json: string, from: string): Catalogue {
  return checked(catalogueSchema, json, from);
}

function checked<T>(schema: z.ZodType<T>, json: string, from: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw appError("manifest/invalid", `${from} is not JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`);
  throw appError("manifest/invalid", `${from}: ${faults.join("; ")}`);
}
