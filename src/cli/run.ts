import { Command } from "commander";

export function runCommand(): Command {
  return new Command("run")
    .description("Run a node by a configuration file, until SIGTERM or SIGINT.")
    .requiredOption("--config <file>", "YAML; see config/ for commented examples")
    .addHelpText(
      "after",
      `
Environment variables override the file: L2P_EDGE_MQTT__URL=mqtt://broker:1883 for mqtt.url.
Example:
  l2p-edge run --config config/one-camera.yaml`,
    )
    .action(async ({ config }: { config: string }) => {
      const [{ loadSettings }, { startService }, { createLog }] = await Promise.all([
        import("../settings/load.ts"),
        import("../app/service.ts"),
        import("../edge/log.ts"),
      ]);
      const settings = loadSettings(config, process.env);
      const log = createLog({ level: settings.log.level, node: settings.node.id });
      const service = await startService(settings, log);
      log.info(`listening for ${settings.node.base}/${settings.node.id}/<camera>/frame at ${service.brokerUrl}`);
      if (service.dashboard) log.info(`page at ${service.dashboard.url}`);
      const stop = (signal: NodeJS.Signals): void => {
        log.info(`${signal}: finishing what is in flight`);
        void service.stop();
      };
      process.once("SIGTERM", stop).once("SIGINT", stop);
      await service.ended;
      await service.stop();
      log.info("stopped");
    });
}
