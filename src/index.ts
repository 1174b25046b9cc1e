/** What a program needs to run the learner, its engines or a whole node by itself. */
export { AppError, type ErrorCode, errorHints, isAppError } from "./kernel/errors.ts";
export type { Tensor } from "./kernel/tensor.ts";
export { type LoadedSettings, loadSettings, parseSettings } from "./settings/load.ts";
export { topics, type Topics } from "./message/topic.ts";
export { decodeSnapshot, encodeSnapshot, type SnapshotHeader } from "./message/snapshot.ts";
export { messageSchemas } from "./message/json.ts";
export type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./backbone/engine.ts";
export { embeddedModelPath, loadModel, type Model } from "./backbone/model.ts";
export { createOnnxEngine, type OnnxEngine, type OnnxEngineOptions } from "./backbone/onnx-engine.ts";
export { prepareImage, type PrepareOptions } from "./backbone/preprocess.ts";
export { createLearner, type LearnerOptions } from "./learner/learner.ts";
export { paper, stream } from "./learner/presets.ts";
export type { LearnerSettings } from "./learner/settings.ts";
export type { LabelledSample, Learned, Learner, LearnerState, Prediction, Sample } from "./learner/types.ts";
export { type Pipeline, pipeline } from "./stream/pipeline.ts";
export type { PipelineParts } from "./stream/wire.ts";
export { type RunningService, startService } from "./app/service.ts";
