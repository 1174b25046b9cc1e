import { Tensor as OrtTensor } from "onnxruntime-node";
import type { Normalisation } from "../backbone/vit.ts";
import type { Graph } from "../onnx/graph.ts";
import { cpuSessions } from "./cpu-sessions.ts";
import { type DistilLoss, distilGraph, studentGraph, tokensName } from "./distil-graph.ts";
import type { ParameterLayout } from "./parameters.ts";
import {
  type KeptPatches,
  layoutWithPatches,
  packPatches,
  putPositions,
  takePositions,
  takeTokens,
} from "./patches.ts";
import { gradientName } from "./trained-vit.ts";

export interface TrainingBatch {
  /** uint8 [count, S, S, 3] */
  readonly pixels: Uint8Array;
  /** The teacher's standardised features, [count, D]. */
  readonly targets: Float32Array;
  /** The teacher's standardised patch tokens for each of `studentTaps`, [count, P, D]. */
  readonly tokens: readonly Float32Array[];
  readonly count: number;
}

/** The student in ONNX Runtime, its weights fed at each call. It runs on the calling thread and blocks it. */
export interface TrainingSession {
  /**
   * The mean loss of a batch, of which the student sees all patches or those kept; its gradient by all parameters is
   * written to `gradients`, laid out as they are.
   */
  step(flat: Float32Array, batch: TrainingBatch, gradients: Float32Array, kept?: KeptPatches): Promise<number>;
  /** q(x) of the student, [count, D]. */
  features(flat: Float32Array, pixels: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface TrainingSessionOptions {
  readonly layout: ParameterLayout;
  readonly normalisation: Normalisation;
  readonly loss: DistilLoss;
  /** [D, D], row-major; see `DistilLoss.whitened`. */
  readonly whitening: Float32Array;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
}

export function createTrainingSession(options: TrainingSessionOptions): TrainingSession {
  const { layout, normalisation, loss, whitening, threads } = options;
  const { imageSize, patchSize, width } = layout.architecture;
  const sessions = cpuSessions(threads);

  function feeds(flat: Float32Array, pixels: Uint8Array, count: number, kept?: KeptPatches): OrtTensors {
    const side = kept?.side ?? imageSize / patchSize;
    const weights = layoutWithPatches(layout, side).parameters.map(({ name, shape, offset, size }) => {
      const all = flat.subarray(offset, offset + size);
      const data = kept && name === "pos_embed" ? takePositions(all, width, kept) : all;
      return [name, new OrtTensor("float32", data, shape)] as const;
    });
    const shown = kept ? packPatches(pixels, imageSize, patchSize, kept) : pixels;
    const sidePx = side * patchSize;
    return {
      ...Object.fromEntries(weights),
      pixels: new OrtTensor("uint8", shown, [count, sidePx, sidePx, 3]),
      prompts: new OrtTensor("float32", new Float32Array(0), [count, 0, width]),
    };
  }

  function tokenFeeds(tokens: readonly Float32Array[], count: number, kept?: KeptPatches): OrtTensors {
    const all = (imageSize / patchSize) ** 2;
    const shape = [count, kept ? kept.indices.length : all, width];
    return Object.fromEntries(
      tokens.map((ofTap, tap) => {
        const shown = kept ? takeTokens(ofTap, all, width, kept) : ofTap;
        return [tokensName(tap), new OrtTensor("float32", shown, shape)];
      }),
    );
  }

  return {
    step: async (flat, { pixels, targets, tokens, count }, gradients, kept) => {
      const side = kept?.side ?? imageSize / patchSize;
      const graph = (): Graph => distilGraph(layoutWithPatches(layout, side), normalisation, loss);
      const running = await sessions.get(`step ${side}`, graph);
      const results = await running.run({
        ...feeds(flat, pixels, count, kept),
        targets: new OrtTensor("float32", targets, [count, width]),
        ...(loss.tokens > 0 && tokenFeeds(tokens, count, kept)),
        whitening: new OrtTensor("float32", whitening, [width, width]),
      });
      for (const { name, offset, size } of layout.parameters) {
        const gradient = numbers(results[gradientName(name)]!);
        const place = gradients.subarray(offset, offset + size);
        if (kept && name === "pos_embed") putPositions(gradient, place, width, kept);
        else place.set(gradient);
      }
      return numbers(results["loss"]!)[0]!;
    },
    features: async (flat, pixels, count) => {
      const running = await sessions.get("features", () => studentGraph(layout, normalisation));
      const results = await running.run(feeds(flat, pixels, count));
      return Float32Array.from(numbers(results["features"]!));
    },
    close: () => sessions.close(),
  };
}

type OrtTensors = Record<string, OrtTensor>;

function numbers(value: OrtTensor): Float32Array {
  return value.data as Float32Array;
}
