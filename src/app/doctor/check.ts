import { isAppError } from "../../kernel/errors.ts";

/** `ok`; `warning`: it works, and something could be better; `failed`: a node would not start or not do its work. */
export type Verdict = "ok" | "warning" | "failed";

/** What one check found. */
export type Finding =
  | { readonly verdict: "ok"; readonly detail: string }
  | {
      readonly verdict: "warning" | "failed";
      readonly detail: string;
      /** What to do about it. */
      readonly advice: string;
    };

/** Looks at one thing. What it throws is a failure. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<Finding>;
}

export type Result = Finding & { readonly name: string };

export function ok(detail: string): Finding {
  return { verdict: "ok", detail };
}

export function warning(detail: string, advice: string): Finding {
  return { verdict: "warning", detail, advice };
}

export function failed(detail: string, advice: string): Finding {
  return { verdict: "failed", detail, advice };
}

/** An error as a finding; a coded one brings its advice along. */
export function failure(error: unknown): Finding {
  if (isAppError(error)) {
    const { code, message, hint, cause } = error;
    const isNews = cause instanceof Error && !isAppError(cause) && !message.includes(cause.message);
    return failed(`${code}: ${message}${isNews ? `: ${cause.message}` : ""}`, hint);
  }
  const text = error instanceof Error ? error.message : String(error);
  return failed(text, "This was not expected: please report it.");
}

/** One after another, so that none disturbs another's measurement; each result as it comes. */
export async function* runChecks(checks: readonly Check[]): AsyncGenerator<Result> {
  for (const { name, run } of checks) {
    const finding = await run().catch(failure);
    yield { name, ...finding };
  }
}
