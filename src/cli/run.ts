import { Command } from "commander";
import type { RunningService } from "../app/service.ts";
import type { LoadedSettings } from "../settings/load.ts";
import { stopSignal, unlessStopped } from "./stop-signal.ts";

export function runCommand(): Command {
  return new Command("run")
    .description("Run a node by a configuration file, until SIGTERM or SIGINT.")
    .requiredOption("--config <file>", "YAML; see config/ for commented examples")
    .addHelpText(
      "after",
      `
SIGHUP reads the file again: cameras, bounds, periods and policies change at once; the log tells what did, and what
needs a restart.
Environment variables override the file: L2P_EDGE_MQTT__URL=mqtt://broker:1883 for mqtt.url.
Example:
  l2p-edge run --config config/one-camera.yaml`,
    )
    .action(run);
}

async function run({ config }: { config: string }): Promise<void> {
  const stop = stopSignal(); // first: starting takes a while
  const [{ loadSettings }, { startService }, { createLog }, { reloader }] = await Promise.all([
    import("../settings/load.ts"),
    import("../app/service.ts"),
    import("../edge/log.ts"),
    import("../app/reload.ts"),
  ]);
  const settings = loadSettings(config, process.env);
  const log = createLog({ level: settings.log.level, node: settings.node.id });
  let service: RunningService | undefined;
  const load = (): LoadedSettings => loadSettings(config, process.env);
  let reloaded: LoadedSettings | undefined;
  const apply = (next: LoadedSettings): void => {
    reloaded = next;
    service?.reload(next);
  };
  process.on("SIGHUP", reloader({ load, apply, log }));
  stop.addEventListener("abort", () => {
    log.info(`${(stop.reason as Error).message}: finishing what is in flight`);
    void service?.stop();
  });
  service = await unlessStopped(stop, startService(settings, log, stop));
  if (service) {
    if (reloaded) service.reload(reloaded); // while it started
    log.info(`listening for ${settings.node.base}/${settings.node.id}/<camera>/frame at ${service.brokerUrl}`);
    if (service.dashboard) log.info(`page at ${service.dashboard.url}`);
    // Of a failed engine no clean stop is tried, which could hang on it: the broker publishes the last will.
    await service.ended;
    await service.stop();
  }
  log.info("stopped");
}
