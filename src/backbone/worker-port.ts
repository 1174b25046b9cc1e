import { parentPort } from "node:worker_threads";
import { isAppError } from "../kernel/errors.ts";
import { buffersIn, type Service, type WorkerError, type WorkerReply, type WorkerRequest } from "./worker-protocol.ts";

/**
 * Serves the host of this worker thread (see worker-host.ts). Calls are answered one after another, in the order they
 * came; what is no `AppError` goes back as `engine/failed`.
 */
export function serve<S extends Service<S>>(service: S): void {
  const port = parentPort!;
  const methods = service as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  let last: Promise<void> = Promise.resolve();

  async function answer({ id, kind, args }: WorkerRequest): Promise<void> {
    try {
      const result = await methods[kind]!(...args);
      port.postMessage({ id, result } satisfies WorkerReply, buffersIn(result));
    } catch (error) {
      port.postMessage({ id, error: crossing(error) } satisfies WorkerReply);
    }
  }

  port.on("message", (request: WorkerRequest) => {
    last = last.then(() => answer(request));
  });
}

function crossing(error: unknown): WorkerError {
  if (!(error instanceof Error)) return { code: "engine/failed", message: String(error), stack: undefined };
  const { message, stack } = error;
  return { code: isAppError(error) ? error.code : "engine/failed", message, stack };
}
