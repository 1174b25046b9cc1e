import { Worker } from "node:worker_threads";
import { appError } from "../kernel/errors.ts";
import {
  buffersOf,
  type SessionCall,
  type SessionReply,
  type SessionRequest,
  type SessionResult,
} from "./session-protocol.ts";

/** ONNX Runtime sessions in a thread of their own. Calls may overlap; they are answered in order. */
export interface SessionHost {
  /**
   * The call's tensors (and a model's bytes) are transferred: the caller's arrays are empty after it.
   * @throws AppError `engine/failed` with the runtime's words, `engine/closed`
   */
  call(call: SessionCall): Promise<SessionResult>;
  /** Takes no more calls, finishes those under way and ends the thread. */
  close(): Promise<void>;
}

export function createSessionHost(): SessionHost {
  // Node 20 runs no TypeScript: sources run the compiled worker.
  const script = import.meta.url.endsWith(".ts") ? "../../dist/backbone/session-worker.js" : "./session-worker.js";
  const worker = new Worker(new URL(script, import.meta.url));
  const waiting = new Map<number, { resolve: (result: SessionResult) => void; reject: (error: Error) => void }>();
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

  worker.on("message", (reply: SessionReply) => {
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if ("result" in reply) caller?.resolve(reply.result);
    else caller?.reject(appError("engine/failed", reply.error));
  });
  worker.on("error", (cause) => failAll(appError("engine/failed", "the inference thread died", { cause })));
  worker.on("exit", () => failAll(gone()));
  worker.unref();

  /** Settles when the answer comes; rejected when the thread ends before. */
  function send(call: SessionCall): Promise<SessionResult> {
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      // Keeps the process alive only while an answer is awaited.
      worker.ref();
      const transfer = "feeds" in call ? buffersOf(call.feeds) : [];
      if ("model" in call) transfer.push(call.model.buffer);
      worker.postMessage({ ...call, id } satisfies SessionRequest, transfer);
    });
  }

  async function close(): Promise<void> {
    // The last call: its answer comes when every one before it was answered.
    if (!dead) await send({ kind: "release" });
    await worker.terminate();
  }

  return {
    call: async (call) => {
      if (dead || closing) throw gone();
      return await send(call);
    },
    close: () => (closing ??= close()),
  };
}
