import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const main = resolve(import.meta.dirname, "../../dist/cli/main.js");

/** What a command left behind. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  /** The same, as bytes. */
  readonly output: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** For standard input. */
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Sees the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs the compiled `l2p-edge` as a process of its own. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  if (!existsSync(main)) throw new Error(`${main} is not there: run \`npm run build\` first`);
  return runNode([main, ...args], options);
}

/** Runs any script as a process of its own. */
export function runScript(path: string, options: RunOptions = {}): Promise<Ran> {
  return runNode([path], options);
}

function runNode(args: readonly string[], { cwd, input, env = {}, onStart }: RunOptions): Promise<Ran> {
  const child = spawn(process.execPath, [...args], {
    ...(cwd !== undefined && { cwd }),
    stdio: "pipe",
    env: { PATH: process.env["PATH"], ...env },
  });
  onStart?.(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
  child.stdin.on("error", () => {}); // it may end before it has read everything
  child.stdin.end(input);
  return new Promise((done) => {
    child.once("close", (status) => {
      const output = Buffer.concat(stdout);
      done({ status, stdout: output.toString(), output, stderr: Buffer.concat(stderr).toString() });
    });
  });
}
