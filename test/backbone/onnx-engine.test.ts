import { chmod, mkdtemp, readdir, rename, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadModel } from "../../src/backbone/model.ts";
import { createOnnxEngine } from "../../src/backbone/onnx-engine.ts";
import { noiseStep } from "../support/step-input.ts";
import { noiseImages, noiseTensor, tinyModel, writeModel } from "../support/tiny-model.ts";
import { engineContract } from "./engine-contract.ts";

engineContract("onnx", (options) => createOnnxEngine({ ...options, threads: 1 }));

const model = tinyModel();
const head = { kind: "linear" } as const;
const { width } = model.info;

describe("weights that stay in their file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "l2p-mapped-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each([true, false])("give the same numbers as weights in the model (prepacked: %s)", async (prepack) => {
    await writeModel(folder, model);
    await chmod(folder, 0o555);
    const [inFile, inModel] = [await loadModel(folder), model];
    const engines = await Promise.all(
      [inFile, inModel].map((one) => createOnnxEngine({ model: one, head, provider: "cpu", threads: 1, prepack })),
    );
    const input = noiseStep(model, { batch: 2 });
    const [a, b] = await Promise.all(engines.map((engine) => engine.step(input)));
    expect(a).toEqual(b);
    const [c, d] = await Promise.all(engines.map((engine) => engine.query(input.images)));
    expect(c).toEqual(d);
    await Promise.all(engines.map((engine) => engine.close()));
    await chmod(folder, 0o755);
    expect((await readdir(folder)).toSorted()).toEqual(["manifest.json", "model.safetensors"]);
  });

  test("that were cut or taken away fail with a code at the start; what runs has them, whatever becomes of the name", async () => {
    const { weightsPath } = await writeModel(folder, model);
    const inFile = await loadModel(folder);
    const engine = await createOnnxEngine({ model: inFile, head, provider: "cpu" });
    const moved = join(folder, "moved");
    await rename(weightsPath, moved);
    expect((await engine.step(noiseStep(model, { batch: 1 }))).features.shape).toEqual([1, width]);
    await engine.close();
    await expect(createOnnxEngine({ model: inFile, head })).rejects.toMatchObject({ code: "model/changed" });
    await rename(moved, weightsPath);
    await truncate(weightsPath, 1000);
    const starting = createOnnxEngine({ model: inFile, head, provider: "cpu" });
    await expect(starting).rejects.toMatchObject({ code: "model/changed" });
  });
});

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

  test("the profiler says which provider ran every node of each pass, and leaves no file", async () => {
    const left = async (): Promise<string[]> =>
      (await readdir(tmpdir())).filter((name) => name.startsWith("l2p-edge-profile-"));
    const before = await left();
    const engine = await createOnnxEngine({ model, head, provider: "cpu" });
    const profile = await engine.profile();
    for (const pass of [profile.query, profile.prompted, profile.step]) {
      expect(Object.keys(pass.nodes)).toEqual(["CPUExecutionProvider"]);
      expect(pass.onCpu["LayerNormalization"]).toBeGreaterThan(3);
    }
    const count = (pass: keyof typeof profile): number => profile[pass].nodes["CPUExecutionProvider"]!;
    expect(count("prompted")).toBeGreaterThan(50);
    expect(count("step")).toBeGreaterThan(1.5 * count("prompted"));
    await engine.close();
    expect((await left()).filter((name) => !before.includes(name))).toEqual([]);
  });

  test("batches of 1 to 32 and prompts of 0 to 40 tokens go through one session, in any order", async () => {
    const engine = await createOnnxEngine({ model, head, provider: "cpu", threads: 1 });
    for (const count of [1, 32, 2, 17, 8, 31, 4, 16]) {
      const images = noiseImages(model, count);
      expect((await engine.query(images)).shape).toEqual([count, model.info.queryWidth]);
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
