/**
 * Aborts at the first SIGTERM or SIGINT; its reason is an Error that says which. The next one ends the process at once,
 * as if nobody listened (128 + its number to a shell): a stop that hangs must not need SIGKILL.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    process.off("SIGTERM", stop).off("SIGINT", stop);
    controller.abort(new Error(signal));
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  return controller.signal;
}

/** Undefined where the signal ended the work before it was done. @throws whatever else ended it */
export async function unlessStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}
