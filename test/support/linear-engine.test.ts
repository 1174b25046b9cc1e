import { expect, test } from "vitest";
import type { StepInput } from "../../src/backbone/engine.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { linearEngine, stepLoss } from "./linear-engine.ts";
import { noiseTensor } from "./tiny-model.ts";

for (const head of [{ kind: "linear" }, { kind: "cosine", scale: 5 }] as const) {
  test(`the fake engine's gradients agree with central differences (${head.kind} head)`, async () => {
    const width = 6;
    const engine = linearEngine({ head, width });
    const rng = createRng(1);
    const images = { pixels: Uint8Array.from({ length: 2 * 48 }, () => rng.int(256)), count: 2 };
    const input: StepInput = {
      images,
      prompts: noiseTensor([2, 4, width], 1),
      queries: await engine.query(images),
      keys: noiseTensor([2, 2, width], 2),
      headWeight: noiseTensor([3, width], 3),
      headBias: noiseTensor([3], 4),
      targets: { data: Float32Array.of(1, 0, 0, 0.1, 0.8, 0.1), shape: [2, 3] },
      logitMask: { data: Float32Array.of(0, 0, -1e4, 0, -1, 0), shape: [2, 3] },
      pullWeight: 0.7,
    };
    const { gradients } = await engine.step(input);
    for (const name of ["prompts", "keys", "headWeight", "headBias"] as const) {
      for (let i = 0; i < input[name].data.length; i++) {
        const loss = async (delta: number): Promise<number> => {
          const data = input[name].data.with(i, input[name].data[i]! + delta);
          return stepLoss(engine, { ...input, [name]: { ...input[name], data } });
        };
        const difference = ((await loss(1e-2)) - (await loss(-1e-2))) / 2e-2;
        expect(gradients[name].data[i], `${name}[${i}]`).toBeCloseTo(difference, 2);
      }
    }
  });
}
