import { isAppError, type ErrorCode } from "../../src/kernel/errors.ts";

/** What a function returned, or the code of the AppError it threw; any other error is a bug and goes on. */
export function outcome<T>(of: () => T): { readonly value: T } | { readonly code: ErrorCode } {
  try {
    return { value: of() };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { code: error.code };
  }
}
