import "../onnx/no-telemetry.ts";
import { appError, isAppError } from "../kernel/errors.ts";
import { sizeOf, type Tensor } from "../kernel/tensor.ts";
import { checkImages, checkPrompts, checkStep } from "./check-input.ts";
import type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "./engine.ts";
import { fromFixedBatches, toFixedBatches } from "./fixed-batch.ts";
import type { Model } from "./model.ts";
import type { PassProfile, Profile } from "./profile.ts";
import { blankInput } from "./profile-input.ts";
import { cpuPlan, cudaPlan, type Pass, type SessionChoice, type SessionPlan } from "./session-plan.ts";
import type { Provider, SessionService, TensorMessages } from "./session-protocol.ts";
import { joinRows, joinSteps, samplesAtOnce, splitForward, splitStep } from "./step-parts.ts";
import { forwardFeeds, stepFeeds, toStepOutput, toTensor } from "./tensor-messages.ts";
import { defaultTensorRt, type TensorRtOptions, type TensorRtPlan, tensorRtPlan } from "./tensorrt-plan.ts";
import { within } from "./within.ts";
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
   * Keeps copies of the weights that are laid out for the processor: on the CPU 6 to 8 % less of its time, for ViT-Tiny
   * and 20 MiB. Default: for models whose weights take 64 MiB at most as float32.
   */
  readonly prepack?: boolean;
  /** Of `tensorrt` alone. */
  readonly tensorrt?: TensorRtOptions;
  /** How long the sessions of the start may take to be made, ms; TensorRT builds engines in it. Default: no bound. */
  readonly warmUpMs?: number;
}

const prepackedBytes = 64 * 2 ** 20;

/** An engine that also tells where its nodes ran. */
export interface OnnxEngine extends Engine {
  /** Each pass once with the runtime's profiler on, in sessions of their own: where every node ran. */
  profile(): Promise<Profile>;
}

/**
 * The frozen ViT on ONNX Runtime, in a worker thread.
 * @throws AppError `engine/provider` when none of the providers that were asked for starts, `engine/warm-up`,
 * `engine/cache`, `model/changed`
 */
export async function createOnnxEngine(options: OnnxEngineOptions): Promise<OnnxEngine> {
  const { model } = options;
  const host = createWorkerHost<SessionService>("session-worker.js");
  const started = await start(host, options).catch(async (error: unknown) => {
    if (isAppError(error, "engine/warm-up")) host.abandon();
    else await host.close();
    throw error;
  });
  const { provider, refused, plan, notes } = started;
  const loads = new Map<string, Promise<void>>();

  /** A load that failed (memory was short) is tried again by the next call. */
  function loadOnce(session: string): Promise<void> | undefined {
    if (plan.atStart.includes(session)) return undefined;
    const load =
      loads.get(session) ??
      host.call("load", session, plan.options(session)).catch((error: unknown) => {
        loads.delete(session);
        throw error;
      });
    loads.set(session, load);
    return load;
  }

  /** Sent at once and answered in order, after a load: one that fails is what the caller hears of. */
  async function run(pass: Pass, feeds: TensorMessages): Promise<TensorMessages> {
    const session = plan.sessions[pass];
    const load = loadOnce(session);
    const [, outputs] = await Promise.all([load, host.call("run", session, plan.complete(pass, feeds))]);
    return outputs;
  }

  // The CPU gives all activations of a product in int8 one scale: a sample's result must not depend on those beside it.
  const isAlone = model.precision === "int8" && provider === "cpu";

  async function forward(pass: "query" | "prompted", images: ImageBatch, prompts: Tensor): Promise<Tensor> {
    const output = pass === "query" ? "query" : "features";
    if (plan.fixed) {
      if (pass === "prompted") checkTokens(prompts, plan.fixed.tokens);
      const feeds = forwardFeeds(model.info, images, pass === "prompted" ? prompts : undefined);
      const calls = toFixedBatches(feeds, images.count, plan.fixed.batch).map((part) => run(pass, part));
      return toTensor(fromFixedBatches(await Promise.all(calls), images.count), output);
    }
    const parts = isAlone ? splitForward(images, prompts) : [{ images, prompts }];
    const runs = parts.map(async (part) => {
      return toTensor(await run(pass, forwardFeeds(model.info, part.images, part.prompts)), output);
    });
    return joinRows(await Promise.all(runs));
  }

  async function stepOf(input: StepInput): Promise<StepOutput> {
    return toStepOutput(await run("step", stepFeeds(model.info, input)));
  }

  const profileOf = async (pass: Pass, feeds: TensorMessages): Promise<PassProfile> =>
    await host.call("profile", plan.options(plan.sessions[pass]), plan.complete(pass, feeds));

  return {
    info: model.info,
    provider: { engine: "onnx", provider, refused, ...(notes.length > 0 && { notes }) },
    query: async (images) => {
      checkImages(model.info, images);
      return await forward("query", images, noPrompts(model, images.count));
    },
    prompted: async (images, prompts) => {
      checkPrompts(model.info, images, prompts);
      return await forward("prompted", images, prompts);
    },
    step: async (input) => {
      checkStep(model.info, input);
      const size = isAlone ? 1 : samplesAtOnce(model.architecture, input.prompts.shape[1]!);
      return joinSteps(await Promise.all(splitStep(input, size).map(stepOf)));
    },
    profile: async () => {
      const { batch, tokens } = plan.fixed ?? { batch: 1, tokens: 1 };
      const { images, prompts, step } = blankInput(model.info, batch, tokens);
      const none = plan.fixed ? undefined : noPrompts(model, batch);
      return {
        query: await profileOf("query", forwardFeeds(model.info, images, none)),
        prompted: await profileOf("prompted", forwardFeeds(model.info, images, prompts)),
        step: await profileOf("step", stepFeeds(model.info, step)),
      };
    },
    close: () => host.close(),
  };
}

interface Started {
  readonly provider: Provider;
  readonly refused: readonly { readonly provider: Provider; readonly reason: string }[];
  readonly plan: SessionPlan;
  readonly notes: readonly string[];
}

/** Makes the sessions of the start on the first provider that takes them. */
async function start(host: WorkerHost<SessionService>, options: OnnxEngineOptions): Promise<Started> {
  const { model, head, threads = 0, provider: wanted = "auto", warmUpMs } = options;
  const own: SessionChoice = { threads, prepack: options.prepack ?? weightBytes(model) <= prepackedBytes };
  const candidates: Provider[] = wanted === "auto" ? ["cuda", "cpu"] : [wanted];
  const refused: { provider: Provider; reason: string }[] = [];
  for (const provider of candidates) {
    const plan = await planFor(provider, model, head, own, options.tensorrt ?? defaultTensorRt);
    try {
      await within(warmUpMs, `starting on ${provider}`, async () => {
        for (const session of plan.atStart) await host.call("load", session, plan.options(session));
      });
      const notes = [...(plan.notes ?? []), ...((await plan.notesAfter?.()) ?? [])];
      return { provider, refused, plan, notes };
    } catch (error) {
      if (isAppError(error, "model/changed") || isAppError(error, "engine/warm-up")) throw error;
      refused.push({ provider, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const reasons = refused.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw appError("engine/provider", reasons.join("; "));
}

async function planFor(
  provider: Provider,
  model: Model,
  head: HeadKind,
  own: SessionChoice,
  tensorrt: TensorRtOptions,
): Promise<SessionPlan & Partial<TensorRtPlan>> {
  if (provider === "tensorrt") return await tensorRtPlan(model, head, own, tensorrt);
  return provider === "cuda" ? cudaPlan(model, head, own) : cpuPlan(model, head, own);
}

function checkTokens({ shape }: Tensor, tokens: number): void {
  if (shape[1] === tokens) return;
  throw appError("engine/fixed-shape", `${shape[1]} prompt tokens of a sample, the engine was built for ${tokens}`);
}

function weightBytes({ weights }: Model): number {
  return 4 * [...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function noPrompts(model: Model, count: number): Tensor {
  return { data: new Float32Array(0), shape: [count, 0, model.info.width] };
}
