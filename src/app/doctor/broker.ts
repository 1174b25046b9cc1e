import { type ConnectionOptions, type MqttConnection, openConnection } from "../../edge/mqtt-connection.ts";
import { endpointOf, placeOf } from "../../edge/mqtt-socket.ts";
import { isAppError } from "../../kernel/errors.ts";
import { topics as topicsOf } from "../../message/topic.ts";
import type { LoadedSettings } from "../../settings/load.ts";
import { clientIdOf, nodeTopics } from "../transport.ts";
import { type Check, type Finding, ok, warning } from "./check.ts";

/** Connects once, with the node's settings, and subscribes as it does; a test answers instead. */
export type OpenConnection = (
  options: ConnectionOptions,
  version: 4 | 5,
) => Promise<Pick<MqttConnection, "version" | "close">>;

export function brokerCheck(settings: LoadedSettings, open: OpenConnection = openConnection): Check {
  return { name: "broker", run: () => brokerFinding(settings, open) };
}

async function brokerFinding(settings: LoadedSettings, open: OpenConnection): Promise<Finding> {
  const { mqtt, node, stream, mqttPassword } = settings;
  if (mqtt.url === undefined) return ok("the one inside the node, on this machine alone; not durable");
  const { durable, live } = nodeTopics(topicsOf(node.base, node.id));
  const options: ConnectionOptions = {
    endpoint: endpointOf(mqtt.url, mqtt.tls),
    // An id of its own: the node's would take the connection of one that runs.
    clientId: `${clientIdOf(settings)}-doctor`,
    username: mqtt.username,
    password: mqttPassword?.reveal(),
    keepAliveS: mqtt.keepAliveS,
    connectTimeoutMs: mqtt.connectTimeoutMs,
    sessionExpiryS: 0,
    filters: [...durable, ...live],
    receiveWindow: mqtt.receiveWindow,
    maxPayloadBytes: stream.maxFrameBytes,
    onMessage: (message) => message.settle(),
  };
  const startedAt = performance.now();
  const connection = await connect(options, mqtt.version, open);
  const ms = performance.now() - startedAt;
  await connection.close();
  const version = connection.version === 5 ? "5" : "3.1.1";
  const detail = `${placeOf(options.endpoint)} answers in ${ms.toFixed(0)} ms, MQTT ${version}, subscriptions granted`;
  if (mqtt.username !== undefined && options.endpoint.tls === undefined && !isLocal(options.endpoint.host)) {
    return warning(`${detail}; the password travels unencrypted`, "Use mqtts:// and `mqtt.tls` (config/tls.yaml).");
  }
  return ok(detail);
}

/** As the node does: 3.1.1 where 5 is not understood. */
async function connect(
  options: ConnectionOptions,
  version: "auto" | 4 | 5,
  open: OpenConnection,
): ReturnType<OpenConnection> {
  if (version !== "auto") return open(options, version);
  try {
    return await open(options, 5);
  } catch (error) {
    if (!isAppError(error, "mqtt/version") && !isAppError(error, "mqtt/no-answer")) throw error;
    return open(options, 4);
  }
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
