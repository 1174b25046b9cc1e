import { z } from "zod";
import { appError } from "../kernel/errors.ts";

/** Whence a saved state comes. */
export interface SnapshotAbout {
  /** sha256 of the backbone's weights: prompts, keys, head and statistics mean something to this model only. */
  readonly modelId: string;
  readonly modelName: string;
  readonly node: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly poolVersion: number;
  /** Why it was taken. */
  readonly reason: string;
  /** Of the combined prediction, prequential, over the window: 0…1; null before the first. */
  readonly accuracy: number | null;
}

/** Its fields, to be used where it stands among others. */
export const aboutFields: { readonly [K in keyof SnapshotAbout]: z.ZodType<SnapshotAbout[K]> } = {
  modelId: z.string().min(1).max(128).describe("sha256 of the backbone's weights"),
  modelName: z.string().max(128),
  node: z.string().min(1).max(64),
  createdAt: z.iso.datetime(),
  poolVersion: z.int().min(0).describe("how many batches had been learned"),
  reason: z.string().max(64).describe("why it was taken"),
  accuracy: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe("of the combined prediction, prequential, over the window; null before the first"),
};

const schema: z.ZodType<SnapshotAbout> = z.object(aboutFields);

/** @throws AppError `snapshot/format` */
export function readAbout(value: unknown): SnapshotAbout {
  const about = schema.safeParse(value);
  if (about.success) return about.data;
  const faults = about.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw appError("snapshot/format", `what it says about itself is not right: ${faults.join("; ")}`);
}

/** @throws AppError `snapshot/model-mismatch` when it was saved for another backbone than the running one. */
export function requireModel(
  about: Pick<SnapshotAbout, "modelId" | "modelName">,
  running: { readonly modelId: string; readonly modelName: string },
): void {
  if (about.modelId === running.modelId) return;
  throw appError("snapshot/model-mismatch", `saved for ${modelText(about)}, running ${modelText(running)}`);
}

function modelText({ modelId, modelName }: { readonly modelId: string; readonly modelName: string }): string {
  return `${modelName} (${modelId.slice(0, 12)})`;
}
