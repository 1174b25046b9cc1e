import type { HeadKind } from "../backbone/engine.ts";
import { parameter, type Parameter } from "./adam.ts";
import { cosines } from "./select.ts";

/** The prompted head; row c belongs to the label that was seen as the c-th. */
export interface Head {
  /** [C, D] */
  readonly weight: Parameter;
  /** [C, 1] */
  readonly bias: Parameter;
}

/** A head without classes. */
export function createHead(width: number): Head {
  return { weight: parameter(new Float32Array(0), width), bias: parameter(new Float32Array(0), 1) };
}

/** Logits [C] of one feature [D], in the same way as the engine's training step computes them. */
export function headLogits(kind: HeadKind, { weight, bias }: Head, feature: Float32Array): Float64Array {
  if (kind.kind === "cosine") {
    return cosines(feature, weight.value).map((cosine, c) => kind.scale * cosine + bias.value[c]!);
  }
  const width = feature.length;
  const logits = new Float64Array(bias.value.length);
  for (let c = 0; c < logits.length; c++) {
    let sum = bias.value[c]!;
    for (let i = 0; i < width; i++) sum += feature[i]! * weight.value[c * width + i]!;
    logits[c] = sum;
  }
  return logits;
}

/** A class more at the end, its weights being `row` [D]; all that was there stays as it is, moments included. */
export function growHead(head: Head, row: Float32Array): Head {
  return { weight: withRow(head.weight, row), bias: withRow(head.bias, new Float32Array(1)) };
}

/** The head without class c; later classes move up by one. */
export function dropClass(head: Head, c: number): Head {
  return { weight: withoutRow(head.weight, c), bias: withoutRow(head.bias, c) };
}

function withRow(p: Parameter, row: Float32Array): Parameter {
  const grown = parameter(new Float32Array(p.value.length + p.width), p.width);
  grown.value.set(p.value);
  grown.value.set(row, p.value.length);
  grown.momentum.set(p.momentum);
  grown.variance.set(p.variance);
  grown.steps.set(p.steps);
  return grown;
}

function withoutRow(p: Parameter, row: number): Parameter {
  const start = row * p.width;
  const kept = (_: number, i: number): boolean => i < start || i >= start + p.width;
  return {
    width: p.width,
    value: p.value.filter(kept),
    momentum: p.momentum.filter(kept),
    variance: p.variance.filter(kept),
    steps: p.steps.filter((_, i) => i !== row),
  };
}
