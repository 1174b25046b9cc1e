import { createRng, type Rng } from "../kernel/rng.ts";
import type { Parameter, ParameterLayout } from "./parameters.ts";

/** Share of the structured part in each pair of matrices that begins alike. */
const likeness = 0.7;

/**
 * Weights to start from: matrices from a normal of deviation 1/√inputs cut at two deviations, norms 1, biases 0, and what
 * trained ViTs have in common and a random one must learn first (Trockman and Kolter 2023, "mimetic initialization"):
 * positions are waves, keys begin near their queries (so that near patches attend to each other) and each projection
 * near the negative transpose of its values. No number comes from a trained model.
 */
export function randomParameters(layout: ParameterLayout, seed: number): Float32Array {
  const { architecture, parameters, size } = layout;
  const { width, depth, imageSize, patchSize } = architecture;
  const rng = createRng(seed);
  const flat = new Float32Array(size);
  const part = (name: string): Float32Array => {
    const { offset, size: count } = parameters.find((parameter) => parameter.name === name)!;
    return flat.subarray(offset, offset + count);
  };

  for (const parameter of parameters) fill(flat, parameter, rng);
  // A student that knows nothing is nearest to the teacher when it says little: features start short, and grow.
  part("norm.weight").fill(0.4);
  part("pos_embed").set(wavePositions(imageSize / patchSize, width));
  // The last matrix of each residual branch is smaller by √(2·depth): the stream keeps its size.
  const residual = 1 / Math.sqrt(2 * depth);
  for (let i = 0; i < depth; i++) {
    const [queries, keysValues, projection, output] = [
      part(`blocks.${i}.attn.qkv.weight[0:${width}]`),
      part(`blocks.${i}.attn.qkv.weight[${width}:${3 * width}]`),
      part(`blocks.${i}.attn.proj.weight`),
      part(`blocks.${i}.mlp.fc2.weight`),
    ];
    blend(keysValues.subarray(0, width * width), queries, likeness);
    blend(projection, transposed(keysValues.subarray(width * width), width), -likeness);
    for (let k = 0; k < projection.length; k++) projection[k]! *= residual;
    for (let k = 0; k < output.length; k++) output[k]! *= residual;
  }
  return flat;
}

function fill(flat: Float32Array, { name, shape, offset, size }: Parameter, rng: Rng): void {
  const part = flat.subarray(offset, offset + size);
  if (name.includes("norm") && name.endsWith(".weight")) part.fill(1);
  else if (name === "cls_token" || shape.length === 2) {
    const deviation = shape.length === 2 ? 1 / Math.sqrt(shape[1]!) : 0.02;
    for (let i = 0; i < size; i++) part[i] = deviation * truncatedNormal(rng);
  }
}

function truncatedNormal(rng: Rng): number {
  for (;;) {
    const x = rng.normal();
    if (Math.abs(x) <= 2) return x;
  }
}

/** In place: share·pattern + √(1 − share²)·random, which keeps the size. */
function blend(random: Float32Array, pattern: Float32Array, share: number): void {
  const rest = Math.sqrt(1 - share * share);
  for (let i = 0; i < random.length; i++) random[i] = share * pattern[i]! + rest * random[i]!;
}

function transposed(square: Float32Array, size: number): Float32Array {
  return square.map((_, i) => square[(i % size) * size + Math.floor(i / size)]!);
}

/** Sines and cosines of row and column (Vaswani et al. 2017, in two dimensions); CLS has none, [1+P, D]. */
function wavePositions(side: number, width: number): Float32Array {
  const positions = new Float32Array((1 + side * side) * width);
  const waves = Math.floor(width / 4);
  for (let patch = 0; patch < side * side; patch++) {
    for (let wave = 0; wave < waves; wave++) {
      const frequency = 10_000 ** (-wave / waves);
      for (const [axis, place] of [Math.floor(patch / side), patch % side].entries()) {
        const at = (1 + patch) * width + 2 * waves * axis + wave;
        positions[at] = Math.sin(frequency * place);
        positions[at + waves] = Math.cos(frequency * place);
      }
    }
  }
  return positions;
}
