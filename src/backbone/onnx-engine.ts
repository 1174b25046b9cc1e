import { appError, isAppError } from "../kernel/errors.ts";
import { sizeOf, type Tensor, tensor } from "../kernel/tensor.ts";
import type { Graph } from "../onnx/graph.ts";
import { checkImages, checkPrompts, checkStep } from "./check-input.ts";
import type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./engine.ts";
import { forwardGraph, type Spans, stepGraph } from "./l2p-graph.ts";
import type { Model } from "./model.ts";
import type { Provider, SessionOptions, SessionService, TensorMessage, TensorMessages } from "./session-protocol.ts";
import { joinSteps, samplesAtOnce, splitStep } from "./step-parts.ts";
import { createWorkerHost, type WorkerHost } from "./worker-host.ts";

export interface OnnxEngineOptions {
  readonly model: Model;
  /** The head that `step` differentiates. */
  readonly head: HeadKind;
  /** `auto` takes CUDA where it starts, else the CPU; the others must start. Default `auto`. */
  readonly provider?: Provider | "auto";
  /** Threads within an operator; 0, the default, lets ONNX Runtime choose. */
  readonly threads?: number;
  /**
   * Keeps copies of the weights that are laid out for the processor, one in each session: on the CPU a tenth to a sixth
   * faster. Default: for models whose weights take 16 MiB at most.
   */
  readonly prepack?: boolean;
}

const prepackedBytes = 16 * 2 ** 20;

/** An engine that also tells where its nodes ran. */
export interface OnnxEngine extends Engine {
  /** One forward with the runtime's profiler on: how many nodes each provider ran, by ONNX Runtime's names. */
  profile(): Promise<Readonly<Record<string, number>>>;
}

/**
 * The frozen ViT on ONNX Runtime, in a worker thread. The training session is made at the first `step`.
 * @throws AppError `engine/provider` when none of the providers that were asked for starts.
 */
export async function createOnnxEngine(options: OnnxEngineOptions): Promise<OnnxEngine> {
  const { model, head, threads = 0, provider: wanted = "auto" } = options;
  const prepack = options.prepack ?? weightBytes(model) <= prepackedBytes;
  const host = createWorkerHost<SessionService>("session-worker.js");
  const started = await startForward(host, model, wanted, { threads, prepack }).catch(async (error: unknown) => {
    await host.close();
    throw error;
  });
  const { provider, refused } = started;
  // TensorRT runs fixed forwards only; its CUDA runs the training.
  const stepProviders: Provider[] = provider === "cpu" ? ["cpu"] : ["cuda"];
  let stepLoaded: Promise<unknown> | undefined;

  const loadStep = async (): Promise<unknown> =>
    await host.call("load", "step", {
      model: bytes(stepGraph(model, head, mapped(model))),
      providers: stepProviders,
      threads,
      weightsFolder: model.mappable?.folder,
      prepack,
    });

  async function stepOf(input: StepInput): Promise<StepOutput> {
    const run = host.call("run", "step", stepFeeds(model, input));
    return toStepOutput(await run);
  }

  async function forward(images: ImageBatch, prompts: TensorMessage): Promise<Tensor> {
    const feeds = { pixels: pixels(model, images), prompts };
    return toTensor(await host.call("run", "forward", feeds), "features");
  }

  return {
    info: model.info,
    provider: { engine: "onnx", provider, refused },
    query: async (images) => {
      checkImages(model.info, images);
      return await forward(images, noPrompts(model, images.count));
    },
    prompted: async (images, prompts) => {
      checkPrompts(model.info, images, prompts);
      return await forward(images, copy(prompts));
    },
    step: async (input) => {
      checkStep(model.info, input);
      const size = samplesAtOnce(model.architecture, input.prompts.shape[1]!);
      // A load that failed (memory was short) is tried again by the next step.
      stepLoaded ??= loadStep().catch((error: unknown) => {
        stepLoaded = undefined;
        throw error;
      });
      // All are sent at once and answered in order: a load that fails is what the caller hears of.
      const runs = Promise.all(splitStep(input, size).map(stepOf));
      const [, outputs] = await Promise.all([stepLoaded, runs]);
      return joinSteps(outputs);
    },
    profile: async () => {
      const blank = { pixels: new Uint8Array(model.info.imageSize ** 2 * 3), count: 1 };
      const feeds = { pixels: pixels(model, blank), prompts: noPrompts(model, 1) };
      return await host.call("profile", forwardSession(model, provider, { threads, prepack }), feeds);
    },
    close: () => host.close(),
  };
}

/** Loads the forward session on the first provider that starts. */
async function startForward(
  host: WorkerHost<SessionService>,
  model: Model,
  wanted: Provider | "auto",
  own: Pick<SessionOptions, "threads" | "prepack">,
): Promise<{ provider: Provider; refused: { provider: Provider; reason: string }[] }> {
  const candidates: Provider[] = wanted === "auto" ? ["cuda", "cpu"] : [wanted];
  const refused: { provider: Provider; reason: string }[] = [];
  for (const provider of candidates) {
    try {
      await host.call("load", "forward", forwardSession(model, provider, own));
      return { provider, refused };
    } catch (error) {
      if (isAppError(error) && error.code === "model/changed") throw error;
      refused.push({ provider, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const reasons = refused.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw appError("engine/provider", reasons.join("; "));
}

/** TensorRT knows only the standard's operators, and keeps the weights in its engines: it gets them in the model. */
function forwardSession(
  model: Model,
  provider: Provider,
  own: Pick<SessionOptions, "threads" | "prepack">,
): SessionOptions {
  const isTensorRt = provider === "tensorrt";
  const graph = isTensorRt ? forwardGraph(model, "onnx") : forwardGraph(model, "ort", mapped(model));
  return {
    ...own,
    model: bytes(graph),
    providers: providerList(provider),
    weightsFolder: isTensorRt ? undefined : model.mappable?.folder,
  };
}

/** Where both sessions find the weights, in pages that they share. @throws AppError `model/changed` */
function mapped({ mappable }: Model): Spans {
  mappable?.check();
  return mappable?.spans;
}

function weightBytes({ weights }: Model): number {
  return 4 * [...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function providerList(provider: Provider): Provider[] {
  return provider === "tensorrt" ? ["tensorrt", "cuda"] : [provider];
}

/** The model's bytes in a buffer of their own, so that it can be transferred. */
function bytes(graph: Graph): Uint8Array<ArrayBuffer> {
  const model = graph.build() as Uint8Array<ArrayBuffer>;
  return model.byteLength === model.buffer.byteLength ? model : Uint8Array.from(model);
}

function pixels({ info }: Model, images: ImageBatch): TensorMessage {
  const dims = [images.count, info.imageSize, info.imageSize, 3];
  return { type: "uint8", data: Uint8Array.from(images.pixels), dims };
}

function noPrompts(model: Model, count: number): TensorMessage {
  return { type: "float32", data: new Float32Array(0), dims: [count, 0, model.info.width] };
}

function stepFeeds(model: Model, input: StepInput): TensorMessages {
  const { images, prompts, queries, keys, headWeight, headBias, targets, logitMask } = input;
  const tensors = { prompts, queries, keys, headWeight, headBias, targets, logitMask };
  return {
    pixels: pixels(model, images),
    ...Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, copy(value)])),
    pullWeight: { type: "float32", data: Float32Array.of(input.pullWeight), dims: [] },
  };
}

/** A copy to give away: a transferred buffer is lost to the caller. */
function copy(value: Tensor): TensorMessage {
  return { type: "float32", data: Float32Array.from(value.data), dims: value.shape };
}

function toTensor(outputs: TensorMessages, name: string): Tensor {
  const { data, dims } = outputs[name]!;
  return tensor(data as Float32Array, dims);
}

function toStepOutput(outputs: TensorMessages): StepOutput {
  return {
    features: toTensor(outputs, "features"),
    logits: toTensor(outputs, "logits"),
    losses: toTensor(outputs, "losses"),
    gradients: {
      prompts: toTensor(outputs, "dPrompts"),
      keys: toTensor(outputs, "dKeys"),
      headWeight: toTensor(outputs, "dHeadWeight"),
      headBias: toTensor(outputs, "dHeadBias"),
    },
  };
}
