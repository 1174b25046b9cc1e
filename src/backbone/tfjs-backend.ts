import * as tf from "@tensorflow/tfjs-core";
import { appError } from "../kernel/errors.ts";
import type { ProviderReport } from "./engine.ts";

/** `node`: TensorFlow's native library through tfjs-node; `wasm`: WebAssembly with SIMD; `cpu`: plain JavaScript. */
export type TfjsBackend = "node" | "wasm" | "cpu";

/** TensorFlow.js's own names. */
const registeredNames = { node: "tensorflow", wasm: "wasm", cpu: "cpu" } as const satisfies Record<TfjsBackend, string>;

// tfjs-node is an optional dependency: a name in a variable is not looked up by the compiler.
const nativePackage: string = "@tensorflow/tfjs-node";

const importBackend: Record<TfjsBackend, () => Promise<unknown>> = {
  node: () => import(nativePackage),
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
};

/**
 * Starts the first backend that can really compute and makes it the thread's, and says why those before it cannot.
 * @throws AppError `engine/provider` when none can.
 */
export async function startBackend(candidates: readonly TfjsBackend[]): Promise<ProviderReport> {
  // tfjs-core's build for Node has no gradients; tfjs-layers registers them all when it is loaded.
  await import("@tensorflow/tfjs-layers");
  tf.enableProdMode();
  const refused: { provider: string; reason: string }[] = [];
  for (const provider of candidates) {
    try {
      await withoutProcessHandlers(() => start(provider));
      return { engine: "tfjs", provider, refused };
    } catch (error) {
      refused.push({ provider, reason: error instanceof Error ? error.message.split("\n")[0]! : String(error) });
    }
  }
  const reasons = refused.map(({ provider, reason }) => `${provider}: ${reason}`);
  throw appError("engine/provider", `no TensorFlow.js backend starts: ${reasons.join("; ")}`);
}

async function start(backend: TfjsBackend): Promise<void> {
  await importBackend[backend]();
  if (!(await tf.setBackend(registeredNames[backend]))) throw new Error("it does not initialise");
  // Loading is not enough: tfjs-node loads on Node versions on which it cannot compute.
  const slope = tf.tidy(
    () =>
      tf
        .grad((x) => tf.sum(tf.erf(tf.mul(x, x))))(tf.tensor1d([0.5]))
        .dataSync()[0]!,
  );
  const expected = (2 / Math.sqrt(Math.PI)) * Math.exp(-1 / 16);
  if (!(Math.abs(slope - expected) < 1e-4)) throw new Error(`it computes ${slope} where ${expected} is right`);
}

/** The WASM loader installs handlers that would decide how the whole process ends on an error: it may not. */
async function withoutProcessHandlers(work: () => Promise<void>): Promise<void> {
  const events = ["uncaughtException", "unhandledRejection"];
  const before = new Map(events.map((event) => [event, process.listeners(event as "exit")]));
  try {
    await work();
  } finally {
    for (const [event, listeners] of before) {
      for (const listener of process.listeners(event as "exit")) {
        if (!listeners.includes(listener)) process.off(event, listener);
      }
    }
  }
}
