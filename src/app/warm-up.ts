import type { ProviderReport } from "../backbone/engine.ts";
import type { Systemd } from "../edge/systemd.ts";
import type { Log } from "../stream/parts.ts";

/** How often systemd is told that a start goes on, ms. It is asked for three times that, from then. */
const TELL_EVERY_MS = 20_000;

/**
 * Work of a start that may take minutes, like TensorRT's building of engines: as long as it lasts and this process
 * answers, systemd gets `EXTEND_TIMEOUT_USEC`. Whoever does the work bounds it.
 */
export async function whileWarming<T>(
  notify: Pick<Systemd, "extendTimeout" | "status">,
  what: string,
  work: () => Promise<T>,
  everyMs: number = TELL_EVERY_MS,
): Promise<T> {
  const startedAt = performance.now();
  const tell = (): void => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    void notify.extendTimeout(3 * everyMs);
    void notify.status(`warming: ${what}, ${seconds} s`);
  };
  tell();
  const timer = setInterval(tell, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Which provider runs, why others do not, and what else it says of itself. */
export function tellProvider({ refused, notes = [] }: ProviderReport, log: Log): void {
  for (const { provider, reason } of refused) log("info", `${provider} not taken: ${reason}`);
  for (const note of notes) log("warn", note);
}
