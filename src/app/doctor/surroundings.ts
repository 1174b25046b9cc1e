import { type AddressInfo, createServer } from "node:net";
import { lockOwner } from "../../edge/state-lock.ts";
import { errorHints } from "../../kernel/errors.ts";
import type { SourceSettings } from "../../settings/source-types.ts";
import type { Settings } from "../../settings/types.ts";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";
import { firstLineOf } from "./program.ts";

/** What is asked of what is around the node; a test answers instead. */
export interface SurroundingsProbes {
  /** Listens for a moment. @returns the error's code, undefined when it could */
  readonly listen: (host: string, port: number) => Promise<string | undefined>;
  /** The process that runs on the state folder. */
  readonly owner: (stateFolder: string) => Promise<number | undefined>;
  /** A program's first line. */
  readonly say: (program: string, args: readonly string[]) => Promise<string | undefined>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function surroundingsProbes(): SurroundingsProbes {
  return { listen, owner: lockOwner, say: firstLineOf, env: process.env };
}

type Chosen = Pick<Settings, "mqtt" | "broker" | "dashboard" | "state" | "sources">;

export function surroundingsChecks(settings: Chosen, probes: SurroundingsProbes): readonly Check[] {
  const { mqtt, broker, dashboard, state, sources } = settings;
  const port = (key: string, host: string, number: number): Check => {
    return { name: key, run: () => portFinding(key, host, number, state.folder, probes) };
  };
  return [
    ...(mqtt.url === undefined ? [port("broker.port", "127.0.0.1", broker.port)] : []),
    ...(dashboard.enabled ? [port("dashboard.port", dashboard.host, dashboard.port)] : []),
    { name: "ffmpeg", run: () => ffmpegFinding(sources, probes) },
    { name: "systemd", run: () => systemdFinding(probes) },
  ];
}

async function portFinding(
  key: string,
  host: string,
  port: number,
  stateFolder: string,
  probes: SurroundingsProbes,
): Promise<Finding> {
  const place = `${host}:${port}`;
  const fault = port === 0 ? undefined : await probes.listen(host, port);
  if (fault === undefined) return ok(port === 0 ? `${host}, any free port` : `${place} is free`);
  if (fault === "EADDRINUSE") {
    const owner = await probes.owner(stateFolder);
    if (owner !== undefined) return ok(`${place} is in use: this node runs, as process ${owner}`);
    return failed(`${place} is in use`, `Set \`${key}\` to another, or end what listens there (\`ss -ltnp\`).`);
  }
  if (fault === "EADDRNOTAVAIL") return failed(`${host} is no address of this machine`, "Set `dashboard.host` to one.");
  return failed(`${place}: ${fault}`, `Set \`${key}\` to a port that this user may open, above 1023.`);
}

async function ffmpegFinding(sources: Settings["sources"], { say }: SurroundingsProbes): Promise<Finding> {
  const cameras = (needs: (source: SourceSettings) => boolean): string =>
    Object.keys(sources)
      .filter((camera) => needs(sources[camera]!))
      .join(", ");
  const needed = cameras(({ kind }) => kind !== "folder");
  const said = await say("ffmpeg", ["-version"]);
  if (said === undefined) {
    return needed === ""
      ? ok("not installed, and nothing here needs it")
      : failed(`not installed, and needed by ${needed}`, errorHints["source/no-ffmpeg"]);
  }
  const version = said.replace(/ Copyright.*/, "");
  const byTcp = cameras((source) => source.kind === "rtsp" && source.transport === "tcp");
  if (byTcp !== "" && /^ffmpeg version n?[0-4]\./.test(version)) {
    return failed(
      `${version}, too old for RTSP by TCP: ${byTcp}`,
      "Set `transport: udp` there, or install ffmpeg 5.0 or newer.",
    );
  }
  return ok(version);
}

async function systemdFinding({ env, say }: SurroundingsProbes): Promise<Finding> {
  if (!env["NOTIFY_SOCKET"]) {
    return ok(env["INVOCATION_ID"] ? "started by it, as a service without notices" : "not started by it");
  }
  if ((await say("systemd-notify", ["--version"])) === undefined) {
    const advice = "Install it (part of the package systemd), or set `Type=exec` and no `WatchdogSec=` in the unit.";
    return failed("the unit waits for notices, and there is no systemd-notify", advice);
  }
  const watchdog = Number(env["WATCHDOG_USEC"] ?? 0) / 1e6;
  if (watchdog > 0 && watchdog < 10) {
    return warning(`watchdog after ${watchdog} s`, "Set `WatchdogSec=60`: a slow box needs seconds for one batch.");
  }
  return ok(watchdog > 0 ? `notices, watchdog after ${watchdog} s` : "notices, no watchdog");
}

function listen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => {
      const { port: open } = server.address() as AddressInfo;
      server.close(() => resolve(open === port ? undefined : "another port was opened"));
    });
  });
}
