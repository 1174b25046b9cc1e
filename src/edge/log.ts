import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import pretty from "pino-pretty";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** Goes into every line. */
  readonly node: string;
  /** People read it: colours and short times. Else one JSON object a line. Default: whether stderr is a terminal. */
  readonly pretty?: boolean;
}

/** Keys that hold secrets wherever they stand. */
const secrets = ["password", "passphrase", "secret", "token", "authorization"];

/** The log, on stderr: stdout belongs to what a command answers. */
export function createLog({ level, node, pretty: readable = process.stderr.isTTY }: LogOptions): Logger {
  const options = {
    level,
    base: { node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[secret]" },
  };
  if (!readable) return pino(options, destination({ dest: 2, sync: true }));
  const { formatters: _, ...plain } = options;
  return pino(plain, pretty({ destination: 2, sync: true, translateTime: "HH:MM:ss", ignore: "pid,hostname,node" }));
}
