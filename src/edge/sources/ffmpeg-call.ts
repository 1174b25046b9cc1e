import type { FfmpegSource, NetworkSource } from "../../settings/source-types.ts";

/** How ffmpeg is called: never by a shell. */
export interface FfmpegCall {
  readonly arguments: readonly string[];
  /** What it reads from its standard input. */
  readonly input: string;
}

/** Timestamps of what is put out; only their order matters. */
const outputRate = 25;

/**
 * The arguments for a source, from this closed set alone. An address goes in by standard input, as a list for ffmpeg's
 * concat demuxer: arguments could be read by every user of the machine (`ps`, /proc/PID/cmdline), and an address may
 * hold a password, also in its query.
 */
export function ffmpegCall(source: FfmpegSource, password: string | undefined): FfmpegCall {
  const { input, list = "" } = inputOf(source, password);
  return { arguments: ["-nostdin", "-hide_banner", "-loglevel", "error", ...input, ...outputOf(source)], input: list };
}

interface Input {
  readonly input: readonly string[];
  readonly list?: string;
}

// Each input may open what its whitelist names and nothing else, whatever a camera answers or a file contains.
function inputOf(source: FfmpegSource, password: string | undefined): Input {
  switch (source.kind) {
    case "rtsp": {
      // The directive came with ffmpeg 5.0; without it, ffmpeg tries UDP first.
      const options = source.transport === "tcp" ? "option rtsp_transport tcp\n" : "";
      return listed("pipe,rtp,rtcp,udp,tcp,tls", [], addressOf(source, password), options);
    }
    case "http-mjpeg": {
      const formats = ["-format_whitelist", "concat,mpjpeg,mjpeg"];
      return listed("pipe,http,https,tcp,tls", formats, addressOf(source, password));
    }
    case "v4l2":
      return { input: ["-use_wallclock_as_timestamps", "1", "-f", "v4l2", "-i", source.device] };
    case "file": {
      const repeat = source.repeat ? ["-stream_loop", "-1"] : [];
      // `file:` keeps a name like `concat:…` from being taken for one of ffmpeg's protocols.
      return { input: ["-re", ...repeat, "-protocol_whitelist", "file", "-i", `file:${source.path}`] };
    }
  }
}

function listed(protocols: string, more: readonly string[], address: string, options = ""): Input {
  const input = ["-protocol_whitelist", protocols, ...more, "-use_wallclock_as_timestamps", "1"];
  return {
    input: [...input, "-f", "concat", "-safe", "0", "-i", "pipe:0"],
    list: `ffconcat version 1.0\nfile '${address}'\n${options}`,
  };
}

/** The address with user and password, and nothing in it that would end the list's quotation. */
function addressOf(source: NetworkSource, password = ""): string {
  const url = new URL(source.url);
  if (source.username !== undefined) {
    url.username = encodeURIComponent(source.username);
    url.password = encodeURIComponent(password);
  }
  url.hash = "";
  return url.href.replaceAll("'", "%27");
}

/** At most so many pictures a second, none twice, as JPEGs that say how long they are. */
function outputOf({ framesPerSecond: rate, width }: FfmpegSource): readonly string[] {
  const filters = [
    `select='isnan(prev_selected_t)+gt(floor(t*${rate}),floor(prev_selected_t*${rate}))'`,
    ...(width === undefined ? [] : [`scale=${width}:-2`]),
    // Even times, so that ffmpeg neither repeats nor drops a picture to make a constant rate.
    "settb=1/1000",
    `setpts=N*${1000 / outputRate}`,
  ];
  const encoder = ["-r", `${outputRate}`, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4"];
  return ["-map", "0:v:0", "-vf", filters.join(","), ...encoder, "-f", "mpjpeg", "pipe:1"];
}
