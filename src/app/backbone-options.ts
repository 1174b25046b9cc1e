import { join } from "node:path";
import type { Settings } from "../settings/types.ts";
import type { BackboneOptions } from "./backbone.ts";
import { learnerSettings } from "./learner-settings.ts";

/** A node's backbone: what TensorRT's fixed shapes are follows from the learner, where its engines lie from the state. */
export function backboneOptions({
  model,
  learner,
  stream,
  state,
}: Pick<Settings, "model" | "learner" | "stream" | "state">): BackboneOptions {
  const { head, pool } = learnerSettings(learner);
  const { tensorrt, ...rest } = model;
  return {
    ...rest,
    head: head.kind,
    maxImagePixels: stream.maxImagePixels,
    tensorrt: { ...tensorrt, tokens: pool.topN * pool.promptLength, cacheFolder: join(state.folder, "engines") },
  };
}
