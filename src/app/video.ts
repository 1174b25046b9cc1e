import { spawn } from "node:child_process";
import { once } from "node:events";
import { appError } from "../kernel/errors.ts";

const START = Buffer.of(0xff, 0xd8, 0xff);
const END = Buffer.of(0xff, 0xd9);

/** A JPEG larger than this is not one: the stream is broken. */
const MAX_PICTURE_BYTES = 32 * 2 ** 20;

/**
 * The pictures of a video file as JPEGs, through ffmpeg.
 * @throws AppError `video/no-ffmpeg` where it is not installed, `video/failed` with its last words
 */
export async function* videoPictures(path: string, framesPerSecond: number): AsyncGenerator<Uint8Array> {
  // `file:` keeps a name like `concat:…` from being taken for one of ffmpeg's protocols.
  const input = ["-nostdin", "-loglevel", "error", "-protocol_whitelist", "file", "-i", `file:${path}`];
  const output = ["-an", "-vf", `fps=${framesPerSecond}`, "-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1"];
  const ffmpeg = spawn("ffmpeg", [...input, ...output], { stdio: ["ignore", "pipe", "pipe"] });
  let words = "";
  ffmpeg.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = `${words}${text}`.slice(-500);
  });
  const started = once(ffmpeg, "spawn").catch((cause: unknown) => {
    throw appError("video/no-ffmpeg", "ffmpeg did not start", { cause });
  });
  const ended = new Promise<number | null>((resolve) => ffmpeg.once("close", resolve));
  await started;
  try {
    yield* splitJpegs(ffmpeg.stdout);
    const code = await ended;
    if (code !== 0) throw appError("video/failed", `ffmpeg ended with ${code}: ${words.trim().split("\n").at(-1)}`);
  } finally {
    ffmpeg.kill();
  }
}

/** Cuts a stream of JPEGs, one after another, into JPEGs. @throws AppError `video/failed` */
export async function* splitJpegs(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    waiting = Buffer.concat([waiting, chunk]);
    for (;;) {
      const start = waiting.indexOf(START);
      const end = start < 0 ? -1 : waiting.indexOf(END, start + START.length);
      if (end < 0) break;
      yield Uint8Array.from(waiting.subarray(start, end + END.length));
      waiting = waiting.subarray(end + END.length);
    }
    if (waiting.length > MAX_PICTURE_BYTES) throw appError("video/failed", "ffmpeg sent no JPEG");
  }
}
