import { Tensor as OrtTensor } from "onnxruntime-node";
import type { BackboneInfo } from "../backbone/engine.ts";
import type { Model } from "../backbone/model.ts";
import { frozenWeights, vit } from "../backbone/vit.ts";
import { createGraph, type Graph, type Value } from "../onnx/graph.ts";
import { matmul } from "../onnx/ops/matmul.ts";
import { slice, transpose } from "../onnx/ops/shape.ts";
import { cpuSessions } from "./cpu-sessions.ts";
import { identityOf } from "./identity.ts";

/** What the teacher says of a batch. */
export interface Answers {
  /** q(x), [count, D]. */
  readonly features: Float32Array;
  /** Its patch tokens after each of the tapped blocks, on the student's grid, [count, taps, P, D]. */
  readonly tokens: Float32Array;
}

/** The large ViT. It runs on the calling thread and blocks it. */
export interface Teacher {
  readonly info: BackboneInfo;
  /** Of all that its answers depend on beside the pixels. */
  readonly identity: string;
  /** taps · P · D: numbers of one image's tokens. */
  readonly tokenNumbers: number;
  /** @param pixels uint8 [count, S, S, 3], of the teacher's own size */
  look(pixels: Uint8Array, count: number): Promise<Answers>;
  close(): Promise<void>;
}

export interface TeacherOptions {
  readonly model: Model;
  /** Indices of the blocks whose tokens are told. */
  readonly taps: readonly number[];
  /** Patches a side that the student has. */
  readonly studentSide: number;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
}

/** Blocks of a student whose tokens are taught: every second one, but not the last, which makes the feature alone. */
export function studentTaps(depth: number): number[] {
  return Array.from({ length: Math.floor((depth - 1) / 2) }, (_, i) => 2 * i + 2).filter((tap) => tap < depth - 1);
}

/** The teacher's block at the same share of its depth as a student's. */
export function teacherTap(tap: number, studentDepth: number, teacherDepth: number): number {
  return Math.round(((tap + 1) * teacherDepth) / studentDepth) - 1;
}

export async function createTeacher({ model, taps, studentSide, threads }: TeacherOptions): Promise<Teacher> {
  const { info, architecture } = model;
  const { imageSize, width } = architecture;
  const { mean, std } = model.manifest;
  const sessions = cpuSessions(threads);
  const session = await sessions.get("teacher", () => teacherGraph(model, taps, studentSide));
  const perTap = studentSide ** 2 * width;
  return {
    info,
    identity: identityOf({ model: info.modelId, mean, std, taps, studentSide }),
    tokenNumbers: taps.length * perTap,
    look: async (pixels, count) => {
      const results = await session.run({
        pixels: new OrtTensor("uint8", pixels, [count, imageSize, imageSize, 3]),
        prompts: new OrtTensor("float32", new Float32Array(0), [count, 0, width]),
      });
      const tokens = new Float32Array(count * taps.length * perTap);
      taps.forEach((_, t) => {
        const ofTap = results[tapName(t)]!.data as Float32Array;
        for (let n = 0; n < count; n++) {
          tokens.set(ofTap.subarray(n * perTap, (n + 1) * perTap), (n * taps.length + t) * perTap);
        }
      });
      return { features: results["features"]!.data as Float32Array, tokens };
    },
    close: () => sessions.close(),
  };
}

function teacherGraph({ architecture, manifest, weights }: Model, taps: readonly number[], studentSide: number): Graph {
  const g = createGraph("distil_teacher");
  const { imageSize, patchSize, width } = architecture;
  const side = imageSize / patchSize;
  const pixels = g.input("pixels", "uint8", ["B", imageSize, imageSize, 3]);
  const prompts = g.input("prompts", "float32", ["B", "T", width]);
  const shares = g.constant("shares", {
    data: areaShares(side, studentSide),
    shape: [side ** 2, studentSide ** 2],
  });
  const onBlock = (index: number, tokens: Value): void => {
    const tap = taps.indexOf(index);
    if (tap < 0) return;
    const patches = slice(g, tokens, 1, 1, g.ints([1 + side ** 2]), side ** 2);
    const pooled = matmul(g, transpose(g, patches, [0, 2, 1]), shares);
    g.output(tapName(tap), transpose(g, pooled, [0, 2, 1]));
  };
  g.output("features", vit(g, architecture, manifest, frozenWeights(g, weights), pixels, prompts, onBlock));
  return g;
}

function tapName(tap: number): string {
  return `tokens_${tap}`;
}

/** How much of each cell of the coarse grid lies in each cell of the fine one, [fine², coarse²]; columns sum to 1. */
export function areaShares(fine: number, coarse: number): Float32Array {
  const scale = fine / coarse;
  const overlap = (f: number, c: number): number =>
    Math.max(0, Math.min((c + 1) * scale, f + 1) - Math.max(c * scale, f)) / scale;
  const shares = new Float32Array(fine ** 2 * coarse ** 2);
  for (let f = 0; f < fine ** 2; f++) {
    for (let c = 0; c < coarse ** 2; c++) {
      const rows = overlap(Math.floor(f / fine), Math.floor(c / coarse));
      shares[f * coarse ** 2 + c] = rows * overlap(f % fine, c % coarse);
    }
  }
  return shares;
}
