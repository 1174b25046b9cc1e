import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import { appError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import { checkImages, checkPrompts, checkStep } from "./check-input.ts";
import type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./engine.ts";
import type { Model } from "./model.ts";
import { activate, startBackend, type TfjsBackend } from "./tfjs-backend.ts";
import { embed, promptedFeature, queryFeature, uploadWeights } from "./tfjs-vit.ts";

export interface TfjsEngineOptions {
  readonly model: Model;
  readonly head: HeadKind;
  /** Default `auto`: node, else wasm, else cpu. */
  readonly backend?: "auto" | TfjsBackend;
}

/**
 * The engine on TensorFlow.js with its own automatic differentiation: what every gradient of the ONNX engine is held
 * against, and what runs where ONNX Runtime cannot. Clear before fast; it computes on the calling thread.
 * @throws AppError `engine/provider` when no backend starts.
 */
export async function createTfjsEngine({ model, head, backend = "auto" }: TfjsEngineOptions): Promise<Engine> {
  const { architecture, manifest, info } = model;
  const provider = await inTurn(() => startBackend(backend === "auto" ? ["node", "wasm", "cpu"] : [backend]));
  const onBackend = <T>(work: () => T): Promise<T> =>
    inTurn(() => {
      activate(provider.provider);
      try {
        return tf.tidy(work as () => never) as T;
      } catch (cause) {
        throw appError("engine/failed", `TensorFlow.js (${provider.provider}) failed`, { cause });
      }
    });
  const weights = await onBackend(() => uploadWeights(model.weights));
  let closed: Promise<void> | undefined;

  const tokensOf = ({ pixels, count }: ImageBatch): tf.Tensor3D => {
    const { imageSize } = info;
    const image = tf.tensor4d(Float32Array.from(pixels), [count, imageSize, imageSize, 3]);
    return embed(weights, architecture, manifest, image);
  };
  const answer = async <T>(check: () => void, work: () => T): Promise<T> => {
    if (closed) throw appError("engine/closed", `the tfjs engine of ${info.name} is closed`);
    check();
    return onBackend(work);
  };

  return {
    info,
    provider,
    query: (images) =>
      answer(
        () => checkImages(info, images),
        () => download(queryFeature(weights, architecture, tokensOf(images))),
      ),
    prompted: (images, prompts) =>
      answer(
        () => checkPrompts(info, images, prompts),
        () => download(promptedFeature(weights, architecture, tokensOf(images), upload(prompts) as tf.Tensor3D)),
      ),
    step: (input) =>
      answer(
        () => checkStep(info, input),
        () => {
          const tokens = tokensOf(input.images);
          return step(input, head, (prompts) => promptedFeature(weights, architecture, tokens, prompts));
        },
      ),
    close: () => (closed ??= onBackend(() => tf.dispose([...weights.values()]))),
  };
}

/** Loss of `StepInput` with its gradients; `featureOf` is the prompted forward. */
function step(input: StepInput, head: HeadKind, featureOf: (prompts: tf.Tensor3D) => tf.Tensor2D): StepOutput {
  const queries = tf.expandDims(unit(upload(input.queries)), 1);
  const targets = upload(input.targets);
  const mask = upload(input.logitMask);
  const parts: { features: tf.Tensor; logits: tf.Tensor; losses: tf.Tensor }[] = [];

  const loss = (...[prompts, keys, weight, bias]: tf.Tensor[]): tf.Scalar => {
    const features = featureOf(prompts as tf.Tensor3D);
    const logits = tf.add(headScores(features, weight as tf.Tensor2D, head), bias!);
    const losses = tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(tf.add(logits, mask))), -1));
    const pull = tf.sum(tf.sub(1, tf.sum(tf.mul(queries, unit(keys!)), -1)), -1);
    parts.push({ features: tf.keep(features), logits: tf.keep(logits), losses: tf.keep(losses) });
    return tf.mean(tf.add(losses, tf.mul(pull, input.pullWeight)));
  };
  const trained = [input.prompts, input.keys, input.headWeight, input.headBias].map(upload);
  const { grads } = tf.valueAndGrads(loss)(trained);
  const [prompts, keys, headWeight, headBias] = grads.map(download) as [Tensor, Tensor, Tensor, Tensor];
  const kept = parts[0]!;
  const output = {
    features: download(kept.features),
    logits: download(kept.logits),
    losses: download(kept.losses),
    gradients: { prompts, keys, headWeight, headBias },
  };
  tf.dispose([kept.features, kept.logits, kept.losses]);
  return output;
}

/** [B, D] with weights [C, D] → [B, C], before the bias. */
function headScores(features: tf.Tensor2D, weight: tf.Tensor2D, head: HeadKind): tf.Tensor2D {
  if (head.kind === "linear") return tf.matMul(features, weight, false, true);
  return tf.mul(tf.matMul(unit(features), unit(weight), false, true), head.scale);
}

/** Rows of length 1; the length counts as 1e-12 at least, as in the official code. */
function unit<T extends tf.Tensor>(x: T): T {
  return tf.div(x, tf.sqrt(tf.maximum(tf.sum(tf.square(x), -1, true), 1e-24)));
}

function upload({ data, shape }: Tensor): tf.Tensor {
  return tf.tensor(data, [...shape], "float32");
}

function download(t: tf.Tensor): Tensor {
  return { data: t.dataSync<"float32">(), shape: t.shape };
}

let lastTurn: Promise<unknown> = Promise.resolve();

/**
 * TensorFlow.js has one active backend a process: all its engines take turns, one call at a time, in order.
 * Between two turns the event loop runs, so that a busy engine does not starve the network.
 */
function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
  const turn = lastTurn.then(() => setImmediate()).then(work);
  lastTurn = turn.catch(() => undefined);
  return turn;
}
