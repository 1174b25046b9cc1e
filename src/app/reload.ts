import type { Logger } from "pino";
import { isAppError } from "../kernel/errors.ts";
import { describeChange, settingChanges } from "../settings/difference.ts";
import type { LoadedSettings } from "../settings/load.ts";

/** What changes while the node runs; every other setting is built into its parts, at the start. */
const aliveSettings: ReadonlySet<string> = new Set([
  "log.level",
  "snapshot.publish",
  "snapshot.precision",
  "monitor.stalledMs",
]);

export interface ReloadOptions {
  /** What the node was started with. */
  readonly started: LoadedSettings;
  /** @throws AppError `settings/…` */
  readonly load: () => LoadedSettings;
  /** Gives the node what it takes over. */
  readonly apply: (settings: LoadedSettings) => void;
  readonly log: Pick<Logger, "level" | "info" | "warn" | "error">;
}

/**
 * Reads the settings again, takes over what can change alive and says of the rest that it waits for a restart, also at
 * the next call. Of a file with faults nothing is taken.
 */
export function reloader({ started, load, apply, log }: ReloadOptions): () => void {
  let current = started;

  return () => {
    let next: LoadedSettings;
    try {
      next = load();
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error(`settings are as before: ${error.code}: ${error.message}. ${error.hint}`);
      return;
    }
    const taken = settingChanges(current, next).filter(({ key }) => aliveSettings.has(key));
    const waiting = settingChanges(started, next).filter(({ key }) => !aliveSettings.has(key));
    current = next;
    log.level = next.log.level;
    apply(next);
    for (const one of taken) log.info(`settings: ${describeChange(one)}`);
    for (const one of waiting) log.warn(`settings: ${describeChange(one)} needs a restart`);
    if (taken.length + waiting.length === 0) log.info("settings: nothing changed");
  };
}
