import { Worker } from "node:worker_threads";
import { appError } from "../kernel/errors.ts";
import { buffersIn, type Service, type WorkerReply, type WorkerRequest } from "./worker-protocol.ts";

/** A worker thread that does the heavy work of an engine. Calls may overlap; they are answered in order. */
export interface WorkerHost<S extends Service<S>> {
  /**
   * The arguments' buffers are transferred: the caller's arrays are empty after it.
   * @throws AppError the thread's own; `engine/failed` when it threw anything else or ended, `engine/closed`
   */
  call<Kind extends keyof S & string>(kind: Kind, ...args: Parameters<S[Kind]>): Promise<Awaited<ReturnType<S[Kind]>>>;
  /** Takes no more calls, finishes those under way and ends the thread. */
  close(): Promise<void>;
  /**
   * Gives up a thread that does not answer. One that hangs in native code cannot be ended, and the end of the process
   * would wait for it: the process then ends by SIGKILL, after all that is done at its end.
   */
  abandon(): void;
}

/** Starts a thread that serves `S`. @param script the compiled file beside this one that calls `serve` */
export function createWorkerHost<S extends Service<S>>(script: `${string}.js`): WorkerHost<S> {
  // Node 20 runs no TypeScript: sources run the compiled worker.
  const folder = import.meta.url.endsWith(".ts") ? "../../dist/backbone/" : "./";
  const worker = new Worker(new URL(folder + script, import.meta.url));
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let closing: Promise<void> | undefined;
  let dead = false;

  function gone(): Error {
    if (closing) return appError("engine/closed", "the engine is closed");
    return appError("engine/failed", "the inference thread ended");
  }

  function failAll(error: Error): void {
    dead = true;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  worker.on("message", (reply: WorkerReply) => {
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if ("result" in reply) return caller?.resolve(reply.result);
    const error = appError(reply.error.code, reply.error.message);
    if (reply.error.stack !== undefined) error.stack = reply.error.stack;
    caller?.reject(error);
  });
  worker.on("error", (cause) => failAll(appError("engine/failed", "the inference thread died", { cause })));
  worker.on("exit", () => failAll(gone()));
  worker.unref();

  /** Settles when the answer comes; rejected when the thread ends before. */
  function send(kind: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = nextId++;
      worker.postMessage({ id, kind, args } satisfies WorkerRequest, buffersIn(args));
      waiting.set(id, { resolve, reject });
      // Keeps the process alive only while an answer is awaited.
      worker.ref();
    });
  }

  async function close(): Promise<void> {
    try {
      // The last call: its answer comes when every one before it was answered.
      if (!dead) await send("release", []);
    } finally {
      await worker.terminate();
    }
  }

  return {
    call: async (kind, ...args) => {
      if (dead || closing) throw gone();
      return (await send(kind, args)) as never;
    },
    close: () => (closing ??= close()),
    abandon: () => {
      failAll(appError("engine/failed", "the inference thread was given up"));
      worker.unref();
      let hasEnded = false;
      process.once("exit", () => {
        if (!hasEnded) process.kill(process.pid, "SIGKILL");
      });
      void worker.terminate().then(() => (hasEnded = true));
    },
  };
}
