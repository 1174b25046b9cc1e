import { Worker } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import type { SessionService } from "../../src/backbone/session-protocol.ts";
import type { TfjsService } from "../../src/backbone/tfjs-service.ts";
import { createWorkerHost } from "../../src/backbone/worker-host.ts";
import { buffersIn } from "../../src/backbone/worker-protocol.ts";
import { isAppError } from "../../src/kernel/errors.ts";
import { noiseStep } from "../support/step-input.ts";
import { tinyModel } from "../support/tiny-model.ts";

const { architecture, weights, manifest: normalisation } = tinyModel();
const load = { architecture, normalisation, head: { kind: "linear" }, backends: ["cpu"] } as const;

test("an error keeps its code, its words and where it was thrown; what has no code is engine/failed", async () => {
  const tfjs = createWorkerHost<TfjsService>("tfjs-worker.js");
  const refused: unknown = await tfjs.call("load", { ...load, weights: new Map(), backends: [] }).catch((e) => e);
  expect(isAppError(refused, "engine/provider")).toBe(true);
  expect((refused as Error).stack).toContain("tfjs-backend");
  await tfjs.close();

  const onnx = createWorkerHost<SessionService>("session-worker.js");
  await expect(onnx.call("run", "absent", {})).rejects.toMatchObject({
    name: "AppError",
    code: "engine/failed",
    message: 'no session "absent" was loaded',
  });
  await onnx.close();
});

test("arguments are given away: their arrays are empty after the call", async () => {
  const host = createWorkerHost<TfjsService>("tfjs-worker.js");
  const own = structuredClone(weights);
  const loading = host.call("load", { ...load, weights: own });
  expect([...own.values()].map(({ data }) => data.length)).toEqual(Array(weights.size).fill(0));
  await loading;
  const input = noiseStep(tinyModel());
  const step = host.call("step", input);
  expect(input.images.pixels).toHaveLength(0);
  expect(input.prompts.data).toHaveLength(0);
  expect((await step).features.shape).toEqual([1, architecture.width]);
  await host.close();
});

test("what cannot cross is refused, and the next call is answered", async () => {
  const host = createWorkerHost<TfjsService>("tfjs-worker.js");
  const uncloneable = { ...load, weights: (() => undefined) as unknown as typeof weights };
  await expect(host.call("load", uncloneable)).rejects.toThrow("could not be cloned");
  expect(await host.call("load", { ...load, weights: structuredClone(weights) })).toMatchObject({ provider: "cpu" });
  await host.close();
});

test("a thread that cannot start fails its calls", async () => {
  const host = createWorkerHost<TfjsService>("absent.js");
  await expect(host.call("release")).rejects.toMatchObject({ code: "engine/failed", cause: expect.any(Error) });
  await host.close();
});

test("close ends the thread, once", async () => {
  const end = vi.spyOn(Worker.prototype, "terminate");
  const host = createWorkerHost<TfjsService>("tfjs-worker.js");
  await Promise.all([host.close(), host.close()]);
  expect(end).toHaveBeenCalledTimes(1);
  // No id any more: it has ended.
  expect((end.mock.contexts[0] as Worker).threadId).toBe(-1);
  end.mockRestore();
});

test("a thread that cannot give back what it holds is ended too, and it is told", async () => {
  const end = vi.spyOn(Worker.prototype, "terminate");
  const host = createWorkerHost<TfjsService>("tfjs-worker.js");
  const post = vi.spyOn(Worker.prototype, "postMessage");
  post.mockImplementationOnce(function (this: Worker, request: object) {
    this.postMessage({ ...request, kind: "no such method" }, []);
  });
  await expect(host.close()).rejects.toMatchObject({ code: "engine/failed" });
  expect((end.mock.contexts[0] as Worker).threadId).toBe(-1);
  post.mockRestore();
  end.mockRestore();
});

test("the buffers of a message are found wherever they are, each once", () => {
  const [a, b, c] = [new Float32Array(4), new Uint8Array(4), new Float32Array(0)];
  const message = [{ deep: new Map([["a", { data: a, dims: [4] }]]) }, a.subarray(1), [b, null, undefined, "text"], c];
  expect(buffersIn(message)).toEqual([a.buffer, b.buffer, c.buffer]);
  expect(buffersIn(undefined)).toEqual([]);
});
