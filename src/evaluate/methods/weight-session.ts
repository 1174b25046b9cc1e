import { Tensor as OrtTensor } from "onnxruntime-node";
import type { Normalisation } from "../../backbone/vit.ts";
import { cpuSessions } from "../../distil/cpu-sessions.ts";
import type { ParameterLayout } from "../../distil/parameters.ts";
import { gradientName } from "../../distil/trained-vit.ts";
import { logitsGraph, weightStepGraph } from "./weight-graph.ts";

/** All weights of a ViT with a linear head, or their gradients. */
export interface Weights {
  /** Laid out as `ParameterLayout` says. */
  readonly backbone: Float32Array;
  /** [C, D] */
  readonly headWeight: Float32Array;
  /** [C] */
  readonly headBias: Float32Array;
}

/** uint8 [count, S, S, 3]; the rest [count, C], the mask [C]. */
export interface WeightStep {
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly targets: Float32Array;
  /** LwF's term: see `weightStepGraph`. */
  readonly old?: { readonly targets: Float32Array; readonly mask: Float32Array; readonly temperature: number };
}

export interface WeightStepResult {
  readonly loss: number;
  readonly logits: Float32Array;
  readonly gradients: Weights;
}

/** The classifier in ONNX Runtime, its weights fed at each call. It runs on the calling thread and blocks it. */
export interface WeightSession {
  step(weights: Weights, step: WeightStep): Promise<WeightStepResult>;
  /** [count, C] */
  logits(weights: Weights, pixels: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface WeightSessionOptions {
  readonly layout: ParameterLayout;
  readonly normalisation: Normalisation;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
}

export function weightSession({ layout, normalisation, threads }: WeightSessionOptions): WeightSession {
  const { imageSize, width } = layout.architecture;
  const sessions = cpuSessions(threads);

  function feeds(weights: Weights, pixels: Uint8Array, count: number): Record<string, OrtTensor> {
    const classes = weights.headBias.length;
    const parts = layout.parameters.map(({ name, shape, offset, size }) => {
      return [name, new OrtTensor("float32", weights.backbone.subarray(offset, offset + size), shape)] as const;
    });
    return {
      ...Object.fromEntries(parts),
      pixels: new OrtTensor("uint8", pixels, [count, imageSize, imageSize, 3]),
      prompts: new OrtTensor("float32", new Float32Array(0), [count, 0, width]),
      headWeight: new OrtTensor("float32", weights.headWeight, [classes, width]),
      headBias: new OrtTensor("float32", weights.headBias, [classes]),
    };
  }

  return {
    step: async (weights, { pixels, count, targets, old }) => {
      const running = await sessions.get("step", () => weightStepGraph(layout, normalisation));
      const shape = [count, weights.headBias.length];
      const results = await running.run({
        ...feeds(weights, pixels, count),
        targets: new OrtTensor("float32", targets, shape),
        oldTargets: new OrtTensor("float32", old?.targets ?? new Float32Array(targets.length), shape),
        oldMask: new OrtTensor("float32", old?.mask ?? new Float32Array(shape[1]!), [shape[1]!]),
        inverseTemperature: new OrtTensor("float32", Float32Array.of(1 / (old?.temperature ?? 1)), []),
      });
      const numbers = (name: string): Float32Array => results[name]!.data as Float32Array;
      const backbone = new Float32Array(layout.size);
      for (const { name, offset } of layout.parameters) backbone.set(numbers(gradientName(name)), offset);
      return {
        loss: numbers("loss")[0]!,
        logits: numbers("logits"),
        gradients: {
          backbone,
          headWeight: numbers(gradientName("headWeight")),
          headBias: numbers(gradientName("headBias")),
        },
      };
    },
    logits: async (weights, pixels, count) => {
      const running = await sessions.get("logits", () => logitsGraph(layout, normalisation));
      return (await running.run(feeds(weights, pixels, count)))["logits"]!.data as Float32Array;
    },
    close: () => sessions.close(),
  };
}
