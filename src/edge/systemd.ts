import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Tells systemd how the service is (sd_notify(3)); does nothing where systemd did not start it. */
export interface Systemd {
  /** Longest time between two calls of `alive` that is safely short enough, ms; Infinity without a watchdog. */
  readonly aliveEveryMs: number;
  ready(): Promise<void>;
  stopping(): Promise<void>;
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>;
  /** More time for a start or stop that takes long, from now. */
  extendTimeout(ms: number): Promise<void>;
  /** Says that work goes on; call it only then. Sent at most a few times in each watchdog period. */
  alive(): Promise<void>;
}

export interface SystemdOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Sends one state, e.g. `READY=1`. Default: systemd-notify(1), because Node has no datagram sockets of the file system. */
  readonly send?: (state: string) => Promise<void>;
  readonly now?: () => number;
}

/** Pings in a watchdog period: one may be late or lost. */
const PINGS_A_PERIOD = 3;

export function systemd(options: SystemdOptions = {}): Systemd {
  const { env = process.env, now = () => performance.now() } = options;
  const send = env["NOTIFY_SOCKET"] ? (options.send ?? notify) : () => Promise.resolve();
  // WATCHDOG_USEC is the period in which a ping must come (systemd.service(5), WatchdogSec=).
  const periodMs = env["NOTIFY_SOCKET"] ? Number(env["WATCHDOG_USEC"] ?? 0) / 1000 : 0;
  let lastPing = -Infinity;
  return {
    aliveEveryMs: periodMs > 0 ? periodMs / PINGS_A_PERIOD : Infinity,
    ready: () => send("READY=1"),
    stopping: () => send("STOPPING=1"),
    status: (text) => send(`STATUS=${text.replaceAll("\n", " ")}`),
    extendTimeout: (ms) => send(`EXTEND_TIMEOUT_USEC=${Math.ceil(ms * 1000)}`),
    alive: async () => {
      if (!(periodMs > 0) || now() - lastPing < periodMs / PINGS_A_PERIOD) return;
      lastPing = now();
      await send("WATCHDOG=1");
    },
  };
}

/**
 * Needs `NotifyAccess=all` in the unit: a child process sends it. Not with `--pid=parent`: systemd knows the main
 * process, and older versions, as on a Jetson, take numbers only and would refuse every notice.
 */
async function notify(state: string): Promise<void> {
  // A failed notice must not stop the work; systemd acts on the silence.
  await promisify(execFile)("systemd-notify", [state], { timeout: 5000 }).catch(() => {});
}
