import { appError, type AppError, isAppError } from "../kernel/errors.ts";
import type { Rng } from "../kernel/rng.ts";
import { backoffMs, type BackoffOptions } from "./backoff.ts";
import { mqttFault } from "./mqtt-faults.ts";
import { type ConnectionOptions, type MqttConnection, openConnection } from "./mqtt-connection.ts";
import { placeOf } from "./mqtt-socket.ts";

export interface LinkOptions extends BackoffOptions {
  readonly connection: ConnectionOptions;
  /** `auto`: MQTT 5, and 3.1.1 where the broker does not speak it. */
  readonly version: "auto" | 5 | 4;
  readonly rng: Pick<Rng, "uniform">;
  readonly onUp: (connection: MqttConnection) => void;
  /** After each failed try and each end of a connection. */
  readonly onDown: (fault: AppError) => void;
}

/** A connection that is made again whenever it ends, until `close`. */
export interface MqttLink {
  open(): void;
  readonly connection: MqttConnection | undefined;
  close(): Promise<void>;
}

/** A connection that lasted this long starts the back-off anew; one that another client takes over at once does not. */
const stableMs = 10_000;
/** So many connections ended soon after they were made: two clients of one id take it from each other. */
const suspiciousEnds = 3;

export function mqttLink(options: LinkOptions): MqttLink {
  let connection: MqttConnection | undefined;
  let running: Promise<void> | undefined;
  let version: 4 | 5 = options.version === "auto" ? 5 : options.version;
  /** Once a version worked, only the broker's own word changes it. */
  let isProven = false;
  /** Connections in a row that did not last. */
  let shortLived = 0;
  const closing = new AbortController();

  async function run(): Promise<void> {
    let attempt = 0;
    let switched = false;
    while (!closing.signal.aborted) {
      const startedAt = performance.now();
      const fault = await connectOnce();
      if (closing.signal.aborted) return;
      if (performance.now() - startedAt > stableMs) attempt = 0;
      if (switchesVersion(fault)) {
        version = version === 5 ? 4 : 5;
        isProven = false;
        switched = !switched;
        if (switched) continue; // the other version at once; when it is refused too, after a while
      }
      options.onDown(fault);
      await sleep(backoffMs(attempt++, options, options.rng), closing.signal);
    }
  }

  async function connectOnce(): Promise<AppError> {
    const startedAt = performance.now();
    try {
      connection = await openConnection(options.connection, version);
      if (closing.signal.aborted) {
        await connection.close();
        return await connection.ended;
      }
      isProven = true;
      options.onUp(connection);
      return explained(await connection.ended, performance.now() - startedAt);
    } catch (error) {
      return mqttFault(error, placeOf(options.connection.endpoint));
    } finally {
      connection = undefined;
    }
  }

  /** Only some brokers say "session taken over", and only on MQTT 5. */
  function explained(fault: AppError, lastedMs: number): AppError {
    shortLived = lastedMs < stableMs ? shortLived + 1 : 0;
    if (shortLived < suspiciousEnds || !isAppError(fault, "mqtt/unreachable")) return fault;
    const text = `closed ${shortLived} times soon after connecting as ${options.connection.clientId}`;
    return appError("mqtt/taken-over", `${placeOf(options.connection.endpoint)}: ${text}`, { cause: fault });
  }

  function switchesVersion(fault: AppError): boolean {
    if (options.version !== "auto") return false;
    return isAppError(fault, "mqtt/version") || (!isProven && isAppError(fault, "mqtt/no-answer"));
  }

  return {
    open() {
      if (closing.signal.aborted) throw appError("mqtt/closed", "the link was closed");
      running ??= run();
    },
    get connection() {
      return connection;
    },
    async close() {
      closing.abort();
      await connection?.close();
      await running;
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
