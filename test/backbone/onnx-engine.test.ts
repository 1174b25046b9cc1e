import { describe, expect, test } from "vitest";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, noiseTensor, tinyModel } from "../support/tiny-model.ts";
import { engineContract } from "./engine-contract.ts";

engineContract("onnx", (options) => createOnnxEngine({ ...options, threads: 1 }));

const model = tinyModel();
const head = { kind: "linear" } as const;
const { width } = model.info;

describe("the onnx engine", () => {
  test("auto reports the provider that runs and why others were refused", async () => {
    const engine = await createOnnxEngine({ model, head });
    expect(engine.provider.engine).toBe("onnx");
    expect(["cpu", "cuda"]).toContain(engine.provider.provider);
    // CUDA is tried first: either it runs, or it is told why not.
    const { provider, refused } = engine.provider;
    expect(provider === "cuda" ? [] : refused.map((refusal) => refusal.provider)).toEqual(
      provider === "cuda" ? [] : ["cuda"],
    );
    expect(refused.every(({ reason }) => reason.length > 0)).toBe(true);
    await engine.close();
  });

  test("a provider that was asked for and runs is reported, none was refused", async () => {
    const engine = await createOnnxEngine({ model, head, provider: "cpu" });
    expect(engine.provider).toEqual({ engine: "onnx", provider: "cpu", refused: [] });
    await engine.close();
  });

  test.skipIf(process.env["L2P_TEST_GPU"] !== undefined)(
    "TensorRT does not start on a machine without it",
    async () => {
      const starting = createOnnxEngine({ model, head, provider: "tensorrt" });
      await expect(starting).rejects.toMatchObject({
        code: "engine/provider",
        message: expect.stringContaining("tensorrt: "),
      });
    },
  );

  test("the profiler says which provider ran every node", async () => {
    const engine = await createOnnxEngine({ model, head, provider: "cpu" });
    const nodes = await engine.profile();
    expect(Object.keys(nodes)).toEqual(["CPUExecutionProvider"]);
    expect(nodes["CPUExecutionProvider"]).toBeGreaterThan(20);
    await engine.close();
  });

  test("batches of 1 to 32 and prompts of 0 to 40 tokens go through one session, in any order", async () => {
    const engine = await createOnnxEngine({ model, head, provider: "cpu", threads: 1 });
    for (const count of [1, 32, 2, 17, 8, 31, 4, 16]) {
      const images = noiseImages(model, count);
      expect((await engine.query(images)).shape).toEqual([count, width]);
      const prompts = noiseTensor([count, (count * 7) % 40 || 1, width], 3);
      expect((await engine.prompted(images, prompts)).shape).toEqual([count, width]);
    }
    await engine.close();
  });

  test("the same step twice gives the same bits, in one engine and in another", async () => {
    const input = noiseStep(model, { batch: 3 });
    const engines = [await createOnnxEngine({ model, head }), await createOnnxEngine({ model, head })];
    const [first, ...others] = [
      await engines[0]!.step(input),
      await engines[0]!.step(input),
      await engines[1]!.step(input),
    ];
    for (const other of others) expect(other).toEqual(first);
    await Promise.all(engines.map((engine) => engine.close()));
  });
});
