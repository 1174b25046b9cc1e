import { MultiBar, Presets } from "cli-progress";
import { isAppError } from "../kernel/errors.ts";

/** One line on stderr, with the code and what to do, and exit status 1. The stack only with L2P_DEBUG set. */
export function fail(error: unknown): never {
  process.stderr.write(`${describeError(error)}\n`);
  if (process.env["L2P_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

/** `l2p-edge: code: what is wrong. What to do.` Of several faults, each has a line of its own below. */
export function describeError(error: unknown): string {
  if (isAppError(error)) {
    const lines = error.message.split("\n");
    if (lines.length === 1) return `l2p-edge: ${error.code}: ${error.message}. ${error.hint}`;
    return [`l2p-edge: ${error.code}: ${lines.length} faults. ${error.hint}`, ...lines.map((line) => `  ${line}`)].join(
      "\n",
    );
  }
  const text = error instanceof Error ? error.message : String(error);
  return `l2p-edge: internal: ${text}. Run again with L2P_DEBUG=1 for the stack.`;
}

/** Commander's `error: …`, with its suggestion, in the form of every other error. */
export function describeUsage(text: string): string {
  const [what = "", ...more] = text
    .trim()
    .replace(/^error: /, "")
    .replaceAll("'", "`")
    .split("\n");
  return `l2p-edge: cli/usage: ${[what, ...more].join(" ")}. Add --help for the options and an example.\n`;
}

/** A checkpoint that cannot be used, where the one before it is. */
export function tellUnusable(name: string, error: unknown): void {
  process.stderr.write(`${name} is passed over: ${describeError(error)}\n`);
}

export interface Progress {
  /** Moves to `done` of the total; `note` is shown beside it. */
  update(done: number, note?: string): void;
  stop(): void;
}

/** A bar on stderr when that is a terminal; else nothing, so that logs and pipes stay clean. */
export function progress(title: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bars = new MultiBar(
    {
      format: "{title} {bar} {percentage}% {value}/{total} {eta_formatted} {note}",
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const bar = bars.create(total, 0, { title, note: "" });
  return { update: (done, note = "") => bar.update(done, { note }), stop: () => bars.stop() };
}
