import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { type AppError, appError, isAppError } from "../../kernel/errors.ts";
import type { FfmpegCall } from "./ffmpeg-call.ts";
import { pictureStream } from "./picture-stream.ts";
import type { SourceRun } from "./source.ts";

export interface FfmpegRunOptions {
  /** Asked at each run: a password may have changed. @throws AppError */
  readonly call: () => FfmpegCall;
  readonly maxFrameBytes: number;
  /** With no whole picture for so long, it is ended, ms. */
  readonly stalledMs: number;
  /** It comes to an end that is no fault: a file that is not repeated. */
  readonly ends: boolean;
  /** Default: `ffmpeg`. */
  readonly program?: string;
  /** How long it may take to leave when it is asked to (an RTSP camera is told), before it is killed, ms. */
  readonly graceMs?: number;
}

/** Of what ffmpeg says, only its last words are kept. */
const maxWords = 400;

type Ffmpeg = ChildProcessByStdio<Writable, Readable, Readable>;

/** Pictures by a process of ffmpeg, which is gone when the run is over. */
export function ffmpegRun(options: FfmpegRunOptions): SourceRun {
  const { call, maxFrameBytes, stalledMs, ends, program = "ffmpeg", graceMs = 2000 } = options;
  return async (sink, signal) => {
    if (signal.aborted) return;
    const { arguments: args, input } = call();
    const ffmpeg = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: environment() });
    let fault: AppError | undefined;
    let killing: NodeJS.Timeout | undefined;
    const end = (why?: AppError): void => {
      if (killing !== undefined) return;
      fault ??= why;
      ffmpeg.kill("SIGTERM");
      killing = setTimeout(() => ffmpeg.kill("SIGKILL"), graceMs);
    };
    const abort = (): void => end();
    const watch = setTimeout(() => end(appError("source/stalled", `no picture for ${stalledMs} ms`)), stalledMs);
    signal.addEventListener("abort", abort, { once: true });

    ffmpeg.stdin.on("error", () => {}); // it ended before it read all; its code tells why
    ffmpeg.stdin.end(input);
    const cut = pictureStream(maxFrameBytes);
    ffmpeg.stdout.on("data", (chunk: Uint8Array) => {
      if (killing !== undefined) return;
      try {
        for (const bytes of cut(chunk)) {
          watch.refresh();
          sink.frame({ bytes });
        }
      } catch (error) {
        if (!isAppError(error)) throw error;
        end(error);
      }
    });
    const words = lastWords(ffmpeg);
    try {
      const code = await exitCode(ffmpeg);
      if (signal.aborted) return;
      if (fault !== undefined) throw fault;
      if (code !== 0) throw appError("source/failed", `ffmpeg ended with ${code ?? "a signal"}: ${words()}`);
      if (!ends) throw appError("source/ended", "the stream ended");
    } finally {
      clearTimeout(watch);
      clearTimeout(killing);
      signal.removeEventListener("abort", abort);
    }
  };
}

/** Nothing of the node's own: no systemd socket, no settings, no proxy. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return { PATH, ...(LD_LIBRARY_PATH !== undefined && { LD_LIBRARY_PATH }), AV_LOG_FORCE_NOCOLOR: "1" };
}

/** When all of its output was read. @throws AppError `source/no-ffmpeg` */
function exitCode(ffmpeg: Ffmpeg): Promise<number | null> {
  return new Promise((resolve, reject) => {
    ffmpeg.once("close", resolve);
    ffmpeg.on("error", (cause) => {
      // Not of a failed kill: then it closes by itself.
      if (ffmpeg.pid === undefined) reject(appError("source/no-ffmpeg", "ffmpeg did not start", { cause }));
    });
  });
}

function lastWords(ffmpeg: Ffmpeg): () => string {
  let text = "";
  ffmpeg.stderr.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    // Whole lines: of half an address, nobody could tell what is secret in it.
    if (text.length > 4 * maxWords) text = text.slice(text.lastIndexOf("\n", text.length - maxWords) + 1);
    if (text.length > 4 * maxWords) text = "";
  });
  return () => withoutSecrets(text) || "it said nothing";
}

/** ffmpeg repeats addresses: what may be a password in them, user part, path and query, does not reach the log. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\/\/[^\s/]*@/g, "//…@")
    .replaceAll(/(:\/\/[^\s/'"?]*\/)[^\s'"]+/g, "$1…")
    .replaceAll(/\?[^\s'"]*/g, "?…")
    .replaceAll(/ @ 0x[0-9a-f]+/g, "")
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(-maxWords);
}
