import type { Logger } from "pino";
import { isAppError } from "../kernel/errors.ts";
import { describeChange, settingChanges } from "../settings/difference.ts";
import type { LoadedSettings } from "../settings/load.ts";

/** What changes while the node runs; every other setting is built into its parts. */
const alive: ReadonlySet<string> = new Set(["log.level"]);

export interface ReloadOptions {
  /** What the node was started with. */
  readonly started: LoadedSettings;
  /** @throws AppError `settings/…` */
  readonly load: () => LoadedSettings;
  readonly log: Pick<Logger, "level" | "info" | "warn" | "error">;
}

/**
 * Reads the settings again, takes over what can change alive and says of the rest that it waits for a restart, also at
 * the next call. Of a file with faults nothing is taken.
 */
export function reloader({ started, load, log }: ReloadOptions): () => void {
  let current = started.log.level;

  return () => {
    let next: LoadedSettings;
    try {
      next = load();
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error(`settings are as before: ${error.code}: ${error.message}. ${error.hint}`);
      return;
    }
    const waiting = settingChanges(started, next).filter(({ key }) => !alive.has(key));
    const isNew = next.log.level !== current;
    const change = describeChange({ key: "log.level", before: current, after: next.log.level });
    if (isNew) {
      log.level = next.log.level;
      current = next.log.level;
      log.info(`settings: ${change}`);
    }
    for (const one of waiting) log.warn(`settings: ${describeChange(one)} needs a restart`);
    if (!isNew && waiting.length === 0) log.info("settings: nothing changed");
  };
}
