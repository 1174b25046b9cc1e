import { z } from "zod";
import { appError } from "../kernel/errors.ts";
import { isModelName } from "./installed.ts";
import {
  descriptionKeys,
  manifestSchema,
  parseJson,
  sha256Schema,
  type Description,
  type Manifest,
} from "./manifest.ts";

/** A model on a hub, as `model pull` knows it. `source` says where each of its facts was read. */
export interface HubModel extends Description {
  /** What it is pulled and installed as. */
  readonly name: string;
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** Inside the repository. */
  readonly file: string;
  /** Of the file. Absent where nobody here has seen the file: then they are learned at the first pull. */
  readonly sizeBytes?: number | undefined;
  readonly sha256?: string | undefined;
}

export interface Catalogue {
  readonly v: 1;
  /** Models that are known by the sha256 of their weights. */
  readonly models: readonly Manifest[];
  /** Models that can be pulled. */
  readonly hub: readonly HubModel[];
}

/** These become parts of an address and of a path: no step may lead out of them. */
const steps = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/,
    "must be names of A-Z a-z 0-9 . _ - with / between",
  );

const hubModelSchema: z.ZodType<HubModel> = z.strictObject({
  name: z.string().refine(isModelName, "must be 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or a digit"),
  repo: steps,
  revision: steps,
  file: steps,
  sizeBytes: z.int().positive().optional(),
  sha256: sha256Schema.optional(),
  ...descriptionKeys,
});

const catalogueSchema: z.ZodType<Catalogue> = z.strictObject({
  v: z.literal(1),
  models: z.array(manifestSchema),
  hub: z.array(hubModelSchema),
});

/** `from` names the file in errors. @throws AppError `manifest/invalid` */
export function parseCatalogue(json: string, from: string): Catalogue {
  const catalogue = parseJson(catalogueSchema, json, from);
  const names = catalogue.hub.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw appError("manifest/invalid", `${from}: hub: "${twice}" is there twice`);
  return catalogue;
}
