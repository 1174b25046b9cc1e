import type { Logger } from "pino";
import { isAppError } from "../kernel/errors.ts";
import type { LoadedSettings } from "../settings/load.ts";

export interface ReloadOptions {
  /** @throws AppError `settings/…` */
  readonly load: () => LoadedSettings;
  /** Gives the node what it may take over. */
  readonly apply: (settings: LoadedSettings) => void;
  readonly log: Pick<Logger, "error">;
}

/** Reads the settings again. Of a file with faults nothing is taken, and they are told. */
export function reloader({ load, apply, log }: ReloadOptions): () => void {
  return () => {
    let next: LoadedSettings;
    try {
      next = load();
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error(`settings are as before: ${error.code}: ${error.message}. ${error.hint}`);
      return;
    }
    apply(next);
  };
}
