import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { appError } from "../kernel/errors.ts";

/** What the files that hubs keep beside weights say of them; undefined where they say nothing. */
export interface BesideFile {
  readonly mean?: readonly [number, number, number] | undefined;
  readonly std?: readonly [number, number, number] | undefined;
  readonly heads?: number | undefined;
  readonly layerNormEps?: number | undefined;
  /** Which files said it. */
  readonly from: readonly string[];
}

const channels = z.tuple([z.number(), z.number(), z.number()]);

/** transformers' config.json, and timm's, which has `pretrained_cfg`. */
const config = z.looseObject({
  num_attention_heads: z.int().positive().optional(),
  layer_norm_eps: z.number().positive().optional(),
  hidden_act: z.string().optional(),
  pretrained_cfg: z.looseObject({ mean: channels.optional(), std: channels.optional() }).optional(),
});

const preprocessor = z.looseObject({ image_mean: channels.optional(), image_std: channels.optional() });

/**
 * Reads config.json and preprocessor_config.json where they lie beside the weights.
 * @throws AppError `model/unsupported` for another activation than GELU
 */
export async function readBeside(weightsPath: string): Promise<BesideFile> {
  const folder = dirname(weightsPath);
  const about = await readIfThere(join(folder, "config.json"), config);
  const images = await readIfThere(join(folder, "preprocessor_config.json"), preprocessor);
  const activation = about?.hidden_act;
  if (activation !== undefined && activation !== "gelu") {
    throw appError("model/unsupported", `config.json says hidden_act ${JSON.stringify(activation)}, not exact GELU`);
  }
  return {
    mean: images?.image_mean ?? about?.pretrained_cfg?.mean,
    std: images?.image_std ?? about?.pretrained_cfg?.std,
    heads: about?.num_attention_heads,
    layerNormEps: about?.layer_norm_eps,
    from: [...(about ? ["config.json"] : []), ...(images ? ["preprocessor_config.json"] : [])],
  };
}

/** Undefined too for a file of another kind: many programs have a config.json. */
async function readIfThere<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}
