import { liveView } from "../settings/live-view.ts";
import type { LoadedSettings } from "../settings/load.ts";
import type { StreamSettings } from "../stream/settings.ts";

/**
 * The pipeline's settings as they hold now.
 * @param settings Live: see `LiveSettings`.
 * @param aliveEveryMs The watchdog is fed by what telemetry says: it comes at least so often.
 */
export function streamBounds(
  { stream, snapshot }: Pick<LoadedSettings, "stream" | "snapshot">,
  aliveEveryMs: number,
): StreamSettings {
  return liveView(() => {
    const { maxImagePixels: _, ...bounds } = stream;
    const telemetryMs = Math.min(bounds.telemetryMs, aliveEveryMs);
    const { everyLearned: snapshotEveryLearned, everyMs: snapshotEveryMs } = snapshot;
    return { ...bounds, telemetryMs, snapshotEveryLearned, snapshotEveryMs };
  });
}
