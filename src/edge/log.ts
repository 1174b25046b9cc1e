import { fstatSync } from "node:fs";
import { destination, type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
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
  const stderr = destination({ dest: 2, sync: true });
  if (isJournal(process.env["JOURNAL_STREAM"])) return pino(options, withPriority(stderr));
  if (!readable) return pino(options, stderr);
  const { formatters: _, ...plain } = options;
  return pino(plain, pretty({ destination: 2, sync: true, translateTime: "HH:MM:ss", ignore: "pid,hostname,node" }));
}

/** Whether stderr leads to systemd's journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5)). */
function isJournal(journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  const { dev, ino } = fstatSync(2, { bigint: true });
  return journalStream === `${dev}:${ino}`;
}

/** Begins each line with its syslog priority, as `<3>`, which the journal takes off again (sd-daemon(3)). */
function withPriority(to: DestinationStream): DestinationStream {
  const stream = {
    // Asks pino to set `lastLevel` before each line (pino's docs/api.md, "metadata").
    [Symbol.for("pino.metadata")]: true,
    lastLevel: 0,
    write: (line: string) => to.write(`<${priorityOf(stream.lastLevel)}>${line}`),
  };
  return stream;
}

/** @param level pino's: 60 fatal, 50 error, 40 warn, 30 info, below debug. */
function priorityOf(level: number): number {
  if (level >= 60) return 2;
  if (level >= 50) return 3;
  if (level >= 40) return 4;
  return level >= 30 ? 6 : 7;
}
