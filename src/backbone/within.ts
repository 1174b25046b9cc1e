import { appError } from "../kernel/errors.ts";

/**
 * Work that must not take for ever.
 * @param ms undefined: it may
 * @throws AppError `engine/warm-up` when it has not ended by then; what it is at goes on
 */
export async function within<T>(ms: number | undefined, what: string, work: () => Promise<T>): Promise<T> {
  if (ms === undefined) return await work();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(appError("engine/warm-up", `${what} did not end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
