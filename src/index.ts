/**
 * What a program needs to embed a part of the product: a node, the pipeline alone, or the learner alone; and what one
 * needs that only talks to nodes.
 */
export { AppError, type ErrorCode, errorHints, isAppError } from "./kernel/errors.ts";
export type { LearnerState, StateArray } from "./kernel/state.ts";
export type { Tensor } from "./kernel/tensor.ts";

// Settings
export { type LoadedSettings, loadSettings, parseSettings } from "./settings/load.ts";

// Messages: bytes ↔ values
export { topics, type Topics } from "./message/topic.ts";
export { decodeJson, type JsonMessages, messageSchemas } from "./message/json.ts";
export { decodeSnapshot, encodeSnapshot, type SnapshotHeader } from "./message/snapshot.ts";

// The frozen backbone
export type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./backbone/engine.ts";
export { embeddedModelPath, loadModel, type Model } from "./backbone/model.ts";
export { createOnnxEngine, type OnnxEngine, type OnnxEngineOptions } from "./backbone/onnx-engine.ts";
export { prepareImage, type PrepareOptions } from "./backbone/preprocess.ts";
export { type Backbone, type BackboneOptions, openBackbone } from "./app/backbone.ts";

// The learner
export { createLearner, type LearnerOptions } from "./learner/learner.ts";
export { paper, stream } from "./learner/presets.ts";
export type { LearnerSettings } from "./learner/settings.ts";
export type { LabelledSample, Learned, Learner, Prediction, Sample } from "./learner/types.ts";

// The stream, without broker and disk
export { type Pipeline, pipeline } from "./stream/pipeline.ts";
export type { PipelineParts } from "./stream/wire.ts";
export { defaultStreamSettings, type StreamSettings } from "./stream/settings.ts";
export type { Journal, JournalEntry, Log, RawMessage } from "./stream/parts.ts";
export { defaultDriftSettings, type DriftSettings } from "./stream/drift.ts";
export { defaultRollbackSettings, type RollbackSettings } from "./stream/rollback.ts";
export type { DriftNotice, LearnedLabel, Predicted, Refused, Reply } from "./stream/outcome.ts";

// A whole node
export { createLog, type LogOptions } from "./edge/log.ts";
export { type RunningService, startService } from "./app/service.ts";
