import type { Engine } from "../../src/backbone/engine.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import type { LabelledShown, MethodContext, Shown } from "../../src/evaluate/methods/method.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { row } from "../../src/kernel/tensor.ts";
import { tinyModel } from "./tiny-model.ts";

/** Images of three colours with noise, their queries by a tiny random ViT, and what a method may use besides. */
export interface MethodWorld {
  readonly samples: readonly LabelledShown[];
  readonly context: MethodContext;
  close(): Promise<void>;
}

const colours: readonly (readonly [label: string, rgb: readonly number[]])[] = [
  ["red", [220, 60, 60]],
  ["green", [60, 200, 80]],
  ["blue", [60, 80, 220]],
];

export async function methodWorld(count = 60): Promise<MethodWorld> {
  const model = tinyModel();
  const { imageSize } = model.info;
  const engines: Engine[] = [];
  const engine: MethodContext["engine"] = async (head) => {
    const created = await createOnnxEngine({ model, head, threads: 1 });
    engines.push(created);
    return created;
  };
  const rng = createRng(4);
  const queries = await engine({ kind: "linear" });
  const samples: LabelledShown[] = [];
  for (let image = 0; image < count; image++) {
    const [label, rgb] = colours[image % colours.length]!;
    const pixels = Uint8Array.from({ length: imageSize ** 2 * 3 }, (_, i) => rgb[i % 3]! + 30 * rng.uniform() - 15);
    const query = row(await queries.query({ pixels: pixels.slice(), count: 1 }), 0).slice();
    samples.push({ image, label, pixels, query });
  }
  const context: MethodContext = {
    scenario: "split-cifar100",
    seed: 1,
    settings: { bufferPerClass: 3 },
    model,
    threads: 1,
    engine,
    recall: (images) => Promise.resolve(images.map((image): Shown => samples[image]!)),
  };
  return {
    samples,
    context,
    close: async () => {
      for (const created of engines) await created.close();
    },
  };
}
