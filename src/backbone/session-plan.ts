import { buildEither } from "../onnx/either.ts";
import type { Dialect } from "../onnx/graph.ts";
import type { HeadKind } from "./engine.ts";
import { forwardGraph, stepGraph, type Stored } from "./l2p-graph.ts";
import type { Model } from "./model.ts";
import type { Provider, SessionOptions, TensorMessages } from "./session-protocol.ts";
import { noStep } from "./tensor-messages.ts";

/** The engine's three computations. */
export type Pass = "query" | "prompted" | "step";

/** Which sessions a provider needs, and which of them runs what. */
export interface SessionPlan {
  /** The session of each pass, by name. */
  readonly sessions: Readonly<Record<Pass, string>>;
  /** Those that are made when the engine starts; the others are made when they are first needed. */
  readonly atStart: readonly string[];
  /** What a session is made of. Built when asked for and not kept: it may hold the weights. @throws AppError `model/changed` */
  readonly options: (session: string) => SessionOptions;
  /** A pass's feeds with what its session takes beside them. */
  readonly complete: (pass: Pass, feeds: TensorMessages) => TensorMessages;
  /** Where query and prompted have fixed shapes: samples, and prompt tokens of each. */
  readonly fixed?: { readonly batch: number; readonly tokens: number } | undefined;
}

/** What all sessions of an engine have in common. */
export type SessionChoice = Pick<SessionOptions, "threads" | "prepack">;

/** The operators that a provider gets. */
export const dialects: Readonly<Record<Provider, Dialect>> = { cpu: "cpu", cuda: "ort", tensorrt: "onnx" };

/**
 * One session for all: both graphs read the same weights, in pages that are mapped once. (Two sessions map them twice;
 * ViT-B/16 then takes 360 MiB more.) It pays with what the runtime needs for the step's nodes, learning or not.
 */
export function cpuPlan(model: Model, head: HeadKind, own: SessionChoice): SessionPlan {
  return {
    sessions: { query: "all", prompted: "all", step: "all" },
    atStart: ["all"],
    options: () => {
      const stored = mapped(model, own);
      const step = stepGraph(model, head, stored, dialects.cpu);
      const forward = forwardGraph(model, dialects.cpu, stored);
      const graph = buildEither("l2p", "train", step, forward);
      return { ...own, model: ownBuffer(graph), providers: ["cpu"], weightsFolder: model.mappable?.folder };
    },
    complete: (pass, feeds) =>
      pass === "step" ? { ...flag(true), ...feeds } : { ...flag(false), ...feeds, ...noStep(model.info.width) },
  };
}

/** Which branch the CPU's session runs. */
function flag(isStep: boolean): TensorMessages {
  return { train: { type: "bool", data: Uint8Array.of(isStep ? 1 : 0), dims: [] } };
}

/** A session for query and prompted, one for the step: of CUDA's `If` nothing is known here. */
export function cudaPlan(model: Model, head: HeadKind, own: SessionChoice): SessionPlan {
  return {
    sessions: { query: "forward", prompted: "forward", step: "step" },
    atStart: ["forward"],
    options: (session) => (session === "step" ? cudaStep(model, head, own) : cudaForward(model, own)),
    complete: (_, feeds) => feeds,
  };
}

/** The training step on CUDA: TensorRT runs no training. */
export function cudaStep(model: Model, head: HeadKind, own: SessionChoice): SessionOptions {
  const graph = stepGraph(model, head, mapped(model, own), dialects.cuda).build();
  return { ...own, model: ownBuffer(graph), providers: ["cuda"], weightsFolder: model.mappable?.folder };
}

function cudaForward(model: Model, own: SessionChoice): SessionOptions {
  const graph = forwardGraph(model, dialects.cuda, mapped(model, own)).build();
  return { ...own, model: ownBuffer(graph), providers: ["cuda"], weightsFolder: model.mappable?.folder };
}

/**
 * Where sessions find the weights, in pages of a file. What is to be laid out for the processor must be float32 when the
 * session is made: then half precision is decoded, and held once. @throws AppError `model/changed`
 */
function mapped({ mappable }: Model, { prepack }: SessionChoice): Stored {
  mappable?.check();
  if (mappable === undefined || !prepack) return mappable?.tensors;
  return new Map([...mappable.tensors].filter(([, { type }]) => type !== "float16"));
}

/** A model's bytes in a buffer of their own, so that it can be transferred. */
export function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = bytes.byteLength === bytes.buffer.byteLength;
  return isOwn ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}
