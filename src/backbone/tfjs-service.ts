import * as tf from "@tensorflow/tfjs-core";
import { appError } from "../kernel/errors.ts";
import type { Tensor } from "../kernel/tensor.ts";
import type { VitArchitecture } from "./architecture.ts";
import type { HeadKind, ImageBatch, ProviderReport, StepInput, StepOutput } from "./engine.ts";
import type { Manifest } from "./manifest.ts";
import { startBackend, type TfjsBackend } from "./tfjs-backend.ts";
import { embed, promptedFeature, queryFeatures, type TfjsWeights, uploadWeights } from "./tfjs-vit.ts";

export interface TfjsLoad {
  readonly architecture: VitArchitecture;
  readonly normalisation: Pick<Manifest, "mean" | "std">;
  /** By timm's names, as stored. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly head: HeadKind;
  /** In order of preference. */
  readonly backends: readonly TfjsBackend[];
}

/** A ViT on TensorFlow.js. It computes on the calling thread; inputs are as `Engine` says and are not checked again. */
export interface TfjsService {
  /** Comes first, and once. @throws AppError `engine/provider` when no backend starts */
  load(options: TfjsLoad): Promise<ProviderReport>;
  query(images: ImageBatch): Tensor;
  prompted(images: ImageBatch, prompts: Tensor): Tensor;
  step(input: StepInput): StepOutput;
  /** Disposes of the weights. */
  release(): void;
}

/** One a thread: TensorFlow.js has one active backend. */
export function createTfjsService(): TfjsService {
  let loaded: (Omit<TfjsLoad, "weights"> & { readonly weights: TfjsWeights }) | undefined;

  /** Runs with what was loaded; no tensor outlives it but those that are kept. */
  function compute<T>(work: (vit: NonNullable<typeof loaded>, tokensOf: (images: ImageBatch) => tf.Tensor3D) => T): T {
    const vit = loaded;
    if (vit === undefined) throw appError("engine/failed", "no model was loaded");
    const tokensOf = ({ pixels, count }: ImageBatch): tf.Tensor3D => {
      const { imageSize } = vit.architecture;
      const image = tf.tensor4d(Float32Array.from(pixels), [count, imageSize, imageSize, 3]);
      return embed(vit.weights, vit.architecture, vit.normalisation, image);
    };
    return tf.tidy((() => work(vit, tokensOf)) as () => never);
  }

  return {
    load: async (options) => {
      const provider = await startBackend(options.backends);
      loaded = { ...options, weights: tf.tidy((() => uploadWeights(options.weights)) as () => never) };
      return provider;
    },
    query: (images) =>
      compute(({ weights, architecture }, tokensOf) =>
        download(queryFeatures(weights, architecture, tokensOf(images))),
      ),
    prompted: (images, prompts) =>
      compute(({ weights, architecture }, tokensOf) =>
        download(promptedFeature(weights, architecture, tokensOf(images), upload(prompts) as tf.Tensor3D)),
      ),
    step: (input) =>
      compute(({ weights, architecture, head }, tokensOf) => {
        const tokens = tokensOf(input.images);
        return step(input, head, (prompts) => promptedFeature(weights, architecture, tokens, prompts));
      }),
    release: () => {
      if (loaded) tf.dispose([...loaded.weights.values()]);
      loaded = undefined;
    },
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
  // A copy: the CPU backend shows the array that a tensor stands on, perhaps a weight's, and this one is given away.
  return { data: t.dataSync<"float32">().slice(), shape: t.shape };
}
