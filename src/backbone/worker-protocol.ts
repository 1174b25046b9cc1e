import type { ErrorCode } from "../kernel/errors.ts";

/**
 * What a worker thread does for its host: methods over plain data, without functions or class instances. Whatever
 * crosses the border is given away: buffers are transferred, not copied, and empty on the sender's side.
 */
export type Service<S> = { readonly [Kind in keyof S]: (...args: never[]) => unknown } & {
  /** Gives back what the thread holds; the last call. */
  release(): unknown;
};

export interface WorkerRequest {
  readonly id: number;
  /** The method's name. */
  readonly kind: string;
  readonly args: readonly unknown[];
}

export type WorkerReply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: WorkerError });

/** An error as it crosses: of a class of our own, structured clones would lose the code. */
export interface WorkerError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Where it was thrown, in the thread. */
  readonly stack: string | undefined;
}

/** Every buffer under a plain value, once: what to transfer with it. */
export function buffersIn(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (part: unknown): void => {
    if (ArrayBuffer.isView(part)) found.add(part.buffer as ArrayBuffer);
    else if (part instanceof Map) part.forEach(visit);
    else if (typeof part === "object" && part !== null) Object.values(part).forEach(visit);
  };
  visit(value);
  return [...found];
}
