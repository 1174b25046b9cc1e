import { createLearner } from "../learner/learner.ts";
import type { LearnerState, Prediction } from "../learner/types.ts";
import { requireModel, type SnapshotAbout } from "../message/snapshot-about.ts";
import type { Settings } from "../settings/types.ts";
import { openBackbone } from "./backbone.ts";
import { backboneOptions } from "./backbone-options.ts";
import { learnerSettings } from "./learner-settings.ts";

export interface OneShot extends Prediction {
  readonly modelId: string;
  /** From the image's bytes to the prediction. */
  readonly latencyMs: number;
}

/** Predicts as a node with this state would, without one. */
export interface Predictor {
  /** @throws AppError `image/…` */
  predict(image: Uint8Array): Promise<OneShot>;
  close(): Promise<void>;
}

/** @throws AppError `model/…`, `engine/provider`, `snapshot/model-mismatch`, `learner/state` */
export async function openPredictor(
  settings: Pick<Settings, "model" | "learner" | "stream" | "state">,
  saved: { readonly about: SnapshotAbout; readonly state: LearnerState },
): Promise<Predictor> {
  const chosen = learnerSettings(settings.learner);
  const { engine, model, prepare } = await openBackbone(backboneOptions(settings));
  try {
    const { modelId, name } = model.info;
    requireModel(saved.about, { modelId, modelName: name });
    const learner = createLearner({ engine, settings: chosen, seed: settings.learner.seed });
    learner.restore(saved.state);
    return {
      async predict(image) {
        const startedAt = performance.now();
        const pixels = await prepare(image);
        const query = await learner.query(pixels);
        const prediction = await learner.predictOne({ pixels, query });
        return { ...prediction, modelId, latencyMs: performance.now() - startedAt };
      },
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
