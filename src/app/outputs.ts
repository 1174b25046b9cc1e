import { concatMap, merge, type Observable, tap } from "rxjs";
import { temperatureC } from "../edge/machine.ts";
import type { Monitor } from "../edge/monitor/monitor.ts";
import type { Systemd } from "../edge/systemd.ts";
import type { ProviderReport } from "../backbone/engine.ts";
import type { Transport } from "../edge/transport.ts";
import type { BoxTelemetry } from "../message/telemetry.ts";
import type { SnapshotAbout } from "../message/snapshot-about.ts";
import type { SetValue } from "../settings/set-by-command.ts";
import type { SnapshotSettings } from "../settings/types.ts";
import type { Snapshot } from "../stream/checkpoint.ts";
import type { Log } from "../stream/parts.ts";
import type { Pipeline } from "../stream/pipeline.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Publisher } from "./publisher.ts";
import type { CameraSources } from "./sources.ts";
import { progressJudge } from "./watchdog.ts";

export interface OutputParts {
  readonly publisher: Publisher;
  readonly state: { save(snapshot: Snapshot): Promise<SnapshotAbout> };
  /** Read at each use. */
  readonly settings: Pick<SnapshotSettings, "publish">;
  readonly setByCommand: () => Readonly<Record<string, SetValue>>;
  readonly provider: ProviderReport;
  readonly transport: Pick<Transport, "stats">;
  readonly sources: Pick<CameraSources, "telemetry">;
  readonly forward: Forwarding | undefined;
  readonly notify: Pick<Systemd, "alive">;
  readonly monitor: Pick<Monitor, "telemetry">;
  /** At each prediction. */
  readonly onCamera: (camera: string) => void;
  readonly log: Log;
}

/** Everything that happens because of what the pipeline puts out; completes when it does and all of it is done. */
export function outputs(flow: Pipeline, parts: OutputParts): Observable<unknown> {
  const { publisher, state, settings, notify, monitor, log } = parts;
  const advances = progressJudge();
  return merge(
    flow.prediction$.pipe(
      tap((predicted) => {
        publisher.prediction(predicted);
        parts.onCamera(predicted.camera);
      }),
    ),
    flow.learned$.pipe(tap((learned) => publisher.learned(learned))),
    flow.rejected$.pipe(tap((refused) => publisher.rejected(refused))),
    flow.drift$.pipe(tap((notice) => publisher.drift(notice))),
    flow.reply$.pipe(tap((reply) => publisher.reply(reply))),
    flow.telemetry$.pipe(
      concatMap(async (telemetry) => {
        const isAlive = advances(telemetry);
        if (isAlive) await notify.alive();
        const box = await boxTelemetry(parts);
        monitor.telemetry(telemetry, box, isAlive);
        publisher.telemetry(telemetry, box);
      }),
    ),
    flow.snapshot$.pipe(
      concatMap(async (snapshot) => {
        try {
          // Before the journal is cut, which could say these results again. A disk that fails here must not cost the checkpoint.
          await parts.forward?.sync().catch((error: unknown) => {
            log("error", "results that wait for the broker may not outlive a power cut", error);
          });
          const about = await state.save(snapshot);
          log("info", `checkpoint of version ${about.poolVersion} written (${about.reason})`);
          if (settings.publish) publisher.snapshot(snapshot, about);
        } catch (error) {
          log("error", "no checkpoint was written; the journal keeps what it would have held", error);
        }
      }),
    ),
  );
}

async function boxTelemetry({
  provider,
  transport,
  sources,
  forward,
  setByCommand,
}: OutputParts): Promise<BoxTelemetry> {
  const settings = setByCommand();
  return {
    engine: provider.engine,
    provider: provider.provider,
    memoryBytes: process.memoryUsage.rss(),
    temperatureC: await temperatureC(),
    uptimeS: Math.round(process.uptime()),
    mqtt: transport.stats(),
    sources: sources.telemetry(),
    ...(forward && { queue: forward.stats() }),
    ...(Object.keys(settings).length > 0 && { settings }),
  };
}
