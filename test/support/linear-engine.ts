import type { Engine, HeadKind, ImageBatch, StepInput, StepOutput } from "../../src/backbone/engine.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { type Tensor, zeros } from "../../src/kernel/tensor.ts";

export interface LinearEngineOptions {
  readonly head: HeadKind;
  /** D; default 24. */
  readonly width?: number;
  /** Parts of a query, as a ViT's q(x) and mean patch tokens: each one is the first, turned by one place more and three times as large. */
  readonly parts?: number;
  /** Default 4. */
  readonly imageSize?: number;
  /** Length of the part that all features share, against the rest; default 1. */
  readonly common?: number;
  readonly seed?: number;
}

/** A fake engine that counts its calls and can be told to fail. */
export interface LinearEngine extends Engine {
  readonly calls: { query: number; prompted: number; step: number };
  /** The next call rejects with this. */
  failNext(error: Error): void;
}

/**
 * A backbone in a few lines, with analytic gradients: q(x) is a random projection of the pixels plus a common part, scaled
 * to length √D as a LayerNorm would; the prompted feature is r(x) + A·p̄ + r(x)⊙(B·p̄), with r another projection and p̄ the
 * mean prompt token. Each image is computed by itself, so batches and chunks agree bit for bit.
 */
export function linearEngine(options: LinearEngineOptions): LinearEngine {
  const { head, width = 24, parts = 1, imageSize = 4, common = 1, seed = 7 } = options;
  const rng = createRng(seed);
  const inputs = imageSize * imageSize * 3;
  const matrix = (rows: number, columns: number): Float64Array =>
    Float64Array.from({ length: rows * columns }, () => rng.normal() / Math.sqrt(columns));
  const queryMap = matrix(width, inputs);
  const readMap = matrix(width, inputs);
  const shared = Float64Array.from({ length: width }, () => common * rng.normal());
  const a = matrix(width, width);
  const b = matrix(width, width);
  const calls = { query: 0, prompted: 0, step: 0 };
  let failure: Error | undefined;

  function begin(call: keyof typeof calls): void {
    calls[call]++;
    const error = failure;
    failure = undefined;
    if (error) throw error;
  }

  function project(map: Float64Array, { pixels }: ImageBatch, n: number): Float64Array {
    const x = Float64Array.from(pixels.subarray(n * inputs, (n + 1) * inputs), (byte) => byte / 64 - 2);
    const y = multiply(map, x).map((value, i) => value + shared[i]!);
    const length = Math.sqrt(y.reduce((sum, value) => sum + value * value, 0) / width);
    return y.map((value) => value / length);
  }

  function feature(images: ImageBatch, prompts: Tensor, n: number): { read: Float64Array; value: Float64Array } {
    const tokens = prompts.shape[1]!;
    const mean = new Float64Array(width);
    for (let t = 0; t < tokens; t++) {
      for (let i = 0; i < width; i++) mean[i]! += prompts.data[(n * tokens + t) * width + i]! / tokens;
    }
    const read = project(readMap, images, n);
    const shift = multiply(a, mean);
    const gain = multiply(b, mean);
    return { read, value: read.map((r, i) => r + shift[i]! + r * gain[i]!) };
  }

  function step(input: StepInput): StepOutput {
    const batch = input.images.count;
    const classes = input.headBias.data.length;
    const tokens = input.prompts.shape[1]!;
    const selected = input.keys.shape[1]!;
    const features = zeros([batch, width]);
    const logits = zeros([batch, classes]);
    const losses = zeros([batch]);
    const gradients = {
      prompts: zeros(input.prompts.shape),
      keys: zeros(input.keys.shape),
      headWeight: zeros(input.headWeight.shape),
      headBias: zeros(input.headBias.shape),
    };
    const weights = Array.from({ length: classes }, (_, c) => at(input.headWeight.data, c, width));
    for (let n = 0; n < batch; n++) {
      const { read, value } = feature(input.images, input.prompts, n);
      features.data.set(value, n * width);
      const scores = weights.map((w, c) => score(head, value, w) + input.headBias.data[c]!);
      logits.data.set(scores, n * classes);
      const masked = scores.map((s, c) => s + input.logitMask.data[n * classes + c]!);
      const max = Math.max(...masked);
      const total = masked.reduce((sum, s) => sum + Math.exp(s - max), 0);
      const dFeature = new Float64Array(width);
      for (let c = 0; c < classes; c++) {
        const target = input.targets.data[n * classes + c]!;
        const log = masked[c]! - max - Math.log(total);
        losses.data[n]! -= target * log;
        const dScore = (Math.exp(log) - target) / batch;
        gradients.headBias.data[c]! += dScore;
        const toFeature = scoreGradient(head, value, weights[c]!);
        const toWeight = scoreGradient(head, weights[c]!, value);
        for (let i = 0; i < width; i++) {
          dFeature[i]! += dScore * toFeature[i]!;
          gradients.headWeight.data[c * width + i]! += dScore * toWeight[i]!;
        }
      }
      // The feature is linear in p̄: its Jacobian is A + diag(r)·B.
      for (let j = 0; j < width; j++) {
        let sum = 0;
        for (let i = 0; i < width; i++) sum += dFeature[i]! * (a[i * width + j]! + read[i]! * b[i * width + j]!);
        for (let t = 0; t < tokens; t++) gradients.prompts.data[(n * tokens + t) * width + j] = sum / tokens;
      }
      const query = at(input.queries.data, n, width);
      for (let k = 0; k < selected; k++) {
        const dKey = cosineGradient(at(input.keys.data, n * selected + k, width), query);
        gradients.keys.data.set(
          dKey.map((g) => (-input.pullWeight * g) / batch),
          (n * selected + k) * width,
        );
      }
    }
    return { features, logits, losses, gradients };
  }

  return {
    info: { name: "linear", modelId: "0".repeat(64), width, queryWidth: parts * width, imageSize },
    provider: { engine: "linear", provider: "cpu", refused: [] },
    calls,
    failNext: (error) => {
      failure = error;
    },
    async query(images) {
      begin("query");
      const result = zeros([images.count, parts * width]);
      for (let n = 0; n < images.count; n++) {
        const query = project(queryMap, images, n);
        for (let part = 0; part < parts; part++) {
          const turned = query.map((_, i) => 3 ** part * query[(i + part) % width]!);
          result.data.set(turned, (n * parts + part) * width);
        }
      }
      return result;
    },
    async prompted(images, prompts) {
      begin("prompted");
      const result = zeros([images.count, width]);
      for (let n = 0; n < images.count; n++) result.data.set(feature(images, prompts, n).value, n * width);
      return result;
    },
    async step(input) {
      begin("step");
      return step(input);
    },
    close: async () => {},
  };
}

/** Loss of eq. 5 by forward only, for central differences. */
export async function stepLoss(engine: Engine, input: StepInput): Promise<number> {
  const { losses } = await engine.step(input);
  const batch = input.images.count;
  const width = input.queries.shape[1]!;
  const selected = input.keys.shape[1]!;
  let total = losses.data.reduce((sum, loss) => sum + loss, 0);
  for (let n = 0; n < batch; n++) {
    for (let k = 0; k < selected; k++) {
      const key = at(input.keys.data, n * selected + k, width);
      total += input.pullWeight * (1 - cosine(at(input.queries.data, n, width), key));
    }
  }
  return total / batch;
}

function score(head: HeadKind, feature: Float64Array, weight: Float64Array): number {
  return head.kind === "linear" ? dot(feature, weight) : head.scale * cosine(feature, weight);
}

/** Gradient of the score with respect to `x`; both heads are symmetric in feature and weight. */
function scoreGradient(head: HeadKind, x: Float64Array, other: Float64Array): Float64Array {
  return head.kind === "linear" ? other : cosineGradient(x, other).map((g) => head.scale * g);
}

function cosineGradient(x: Float64Array, other: Float64Array): Float64Array {
  const lengthX = length(x);
  const product = dot(x, other) / (lengthX * length(other));
  return x.map((value, i) => (other[i]! / length(other) - (product * value) / lengthX) / lengthX);
}

function cosine(x: Float64Array, y: Float64Array): number {
  return dot(x, y) / (length(x) * length(y));
}

function length(x: Float64Array): number {
  return Math.sqrt(Math.max(dot(x, x), 1e-12));
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
}

function multiply(map: Float64Array, x: Float64Array): Float64Array {
  const y = new Float64Array(map.length / x.length);
  for (let i = 0; i < y.length; i++) for (let j = 0; j < x.length; j++) y[i]! += map[i * x.length + j]! * x[j]!;
  return y;
}

function at(data: Float32Array, index: number, width: number): Float64Array {
  return Float64Array.from(data.subarray(index * width, (index + 1) * width));
}
