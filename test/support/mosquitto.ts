import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For a test's title where it is skipped. */
export const needsMosquitto = "needs mosquitto on the PATH (apt install mosquitto)";

/** The binary, or undefined on a machine without it. Debian puts it where only root's PATH looks. */
export const mosquittoBinary: string | undefined = ["mosquitto", "/usr/sbin/mosquitto"].find(runs);

function runs(binary: string): boolean {
  try {
    execFileSync(binary, ["-h"], { stdio: "ignore" });
    return true;
  } catch (error) {
    // `-h` ends with status 3: what counts is that it could be started.
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** A real Mosquitto on 127.0.0.1 and a port that stays the same over restarts; its sessions survive a clean restart. */
export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** Its temporary folder: put certificates, users and the like here. */
  readonly folder: string;
  start(): Promise<void>;
  /** SIGTERM: sessions are written to disk. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
  log(): string;
}

export interface MosquittoOptions {
  /** More lines of mosquitto.conf, given the folder. */
  readonly config?: (folder: string) => readonly string[];
  /** `allow_anonymous`, default true. */
  readonly anonymous?: boolean;
  readonly scheme?: "mqtt" | "mqtts";
}

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), "l2p-mosquitto-"));
  const port = await freePort();
  const configFile = join(folder, "mosquitto.conf");
  let child: ChildProcess | undefined;
  let log = "";

  function writeConfig(): void {
    const lines = [
      `listener ${port} 127.0.0.1`,
      `allow_anonymous ${options.anonymous ?? true}`,
      "persistence true",
      `persistence_location ${folder}/`,
      "max_queued_messages 100000",
      "set_tcp_nodelay true",
      // Without it a mosquitto started by root becomes the user `mosquitto`, who may not write the folder.
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      ...(options.config?.(folder) ?? []),
    ];
    writeFileSync(configFile, `${lines.join("\n")}\n`);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const exited = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await exited;
  }

  async function start(): Promise<void> {
    writeConfig();
    const started = spawn(mosquittoBinary!, ["-c", configFile, "-v"], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [started.stdout, started.stderr]) stream.on("data", (text) => void (log += String(text)));
    child = started;
    while (!(await accepts(port))) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended:\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const mosquitto: Mosquitto = {
    url: `${options.scheme ?? "mqtt"}://127.0.0.1:${port}`,
    port,
    folder,
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      await start();
    },
    async remove() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
    log: () => log,
  };
  await start();
  return mosquitto;
}

/** A port nothing listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
