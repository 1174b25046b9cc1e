import type { Clock } from "../kernel/clock.ts";
import type { Learner, Sample } from "../learner/types.ts";
import { type Asker, doubtOf } from "./ask.ts";
import type { DriftMonitor } from "./drift.ts";
import { embed, type EmbedParts } from "./embed.ts";
import type { ExpectedFrame } from "./expect-prediction.ts";
import type { HeldFrame } from "./frame-window.ts";
import { coded, refuse, type ArrivedFrame, type Predicted, type Refused } from "./outcome.ts";

export interface PredictParts extends EmbedParts {
  readonly learner: Pick<Learner, "query" | "predictOne" | "similarity">;
  readonly drift: DriftMonitor;
  readonly asker: Pick<Asker, "wants">;
  readonly clock: Clock;
  readonly modelId: string;
}

/**
 * One frame, one prediction, at batch 1: its query is then bit-equal whenever it is computed again. Never rejects:
 * what is no image becomes a Refused.
 */
export function predict(arrived: ExpectedFrame, parts: PredictParts): Promise<Predicted | Refused> {
  const prediction = attempt(arrived, parts);
  arrived.predictedBy(prediction);
  return prediction;
}

async function attempt({ frame, topic, arrivedMs }: ArrivedFrame, parts: PredictParts): Promise<Predicted | Refused> {
  try {
    return await predicted(frame, await embed(frame, "predict", parts), arrivedMs, parts);
  } catch (error) {
    return refuse(coded(error, "a prediction", parts.log), frame, topic, () => {});
  }
}

async function predicted(frame: HeldFrame, sample: Sample, arrivedMs: number, parts: PredictParts): Promise<Predicted> {
  const prediction = await parts.turn.run("predict", () => parts.learner.predictOne(sample));
  parts.drift.predicted(frame.camera, parts.learner.similarity(sample.query));
  const { label, confidence, novelty, top, promptIds, poolVersion } = prediction;
  // One that has its label already needs none.
  const wantsLabel = !frame.learned && parts.asker.wants({ label, doubt: doubtOf(prediction) }, parts.clock.now());
  frame.published = { label };
  const message = {
    v: 1,
    frameId: frame.frameId,
    label,
    confidence,
    unknown: novelty?.unknown ?? false,
    novelty: novelty?.rank ?? null,
    wantsLabel,
    top,
    promptIds,
    poolVersion,
    modelId: parts.modelId,
    latencyMs: Math.round((parts.clock.monotonicMs() - arrivedMs) * 10) / 10,
    capturedAt: frame.capturedAt,
  } as const;
  return { kind: "prediction", camera: frame.camera, image: frame.bytes, message };
}
