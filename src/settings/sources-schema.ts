import { z } from "zod";
import { milliseconds } from "./keys.ts";
import type { SourceSettings } from "./source-types.ts";

const framesPerSecond = z
  .number()
  .gt(0)
  .max(60)
  .default(2)
  .describe("Frames a second at most; what comes between is left out.");
const stalledMs = milliseconds(1000, 15_000).describe(
  "With no picture for so long, beyond the time between two, it is ended and started again; a folder, with no answer of its file system.",
);
const width = z
  .int()
  .min(16)
  .max(8192)
  .optional()
  .describe("Width of the frames, pixels; the height follows. Default: as they come.");
const credentials = {
  username: z.string().min(1).max(256).optional().describe("User at the camera; with passwordFile."),
  passwordFile: z.string().min(1).optional().describe("File whose first line is the password; mode 600."),
};
const ofFfmpeg = { framesPerSecond, width, stalledMs };

// Kinds share the texts of keys that they share: a fault is explained by the key alone.
const path = z
  .string()
  .min(1)
  .max(4096)
  .describe(
    "Of a video file, which is played at its own pace; or of a folder where another program puts images: its newest file is the next frame, and the file's name without ending is the frame's id.",
  );

function url(...schemes: readonly string[]): z.ZodString {
  const shape = `${schemes.map((scheme) => `${scheme}://`).join(" or ")}host, without user and password in it`;
  return z
    .string()
    .max(2048)
    .refine((text) => isUrl(text, schemes), `must be like ${shape}`)
    .describe("rtsp://host[:554]/path, or http://host/path of a stream of JPEGs (multipart/x-mixed-replace).");
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  return schemes.some((scheme) => protocol === `${scheme}:`) && hostname !== "" && username === "" && password === "";
}

const rtsp = z.strictObject({
  kind: z.literal("rtsp"),
  url: url("rtsp", "rtsps"),
  ...credentials,
  transport: z.enum(["tcp", "udp"]).default("tcp").describe("How pictures travel; udp loses some."),
  ...ofFfmpeg,
});
const mjpeg = z.strictObject({
  kind: z.literal("http-mjpeg"),
  url: url("http", "https"),
  ...credentials,
  ...ofFfmpeg,
});
const v4l2 = z.strictObject({
  kind: z.literal("v4l2"),
  device: z
    .string()
    .regex(/^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[A-Za-z0-9._:+-]{1,200})$/, "must be like /dev/video0")
    .describe("A camera at this machine: /dev/video0, or a name in /dev/v4l/by-id, which stays the same."),
  ...ofFfmpeg,
});
const file = z.strictObject({
  kind: z.literal("file"),
  path,
  repeat: z.boolean().default(true).describe("Begin again at its end; else the source ends there."),
  ...ofFfmpeg,
});
const folder = z.strictObject({
  kind: z.literal("folder"),
  path,
  framesPerSecond,
  stalledMs,
});

const kinds = ["rtsp", "http-mjpeg", "v4l2", "file", "folder"] as const;
const source = z
  .discriminatedUnion("kind", [rtsp, mjpeg, v4l2, file, folder], { error: `must have \`kind\`: ${kinds.join(", ")}` })
  .describe("Where frames are pulled from: by ffmpeg, but for a folder.");

/** Words at a camera's place in the topics that mean something else. */
const cameraName = z
  .string()
  .regex(
    /^(?!(?:status|telemetry|drift|snapshot|statistics|command|reply|rejected)$)[A-Za-z0-9._-]{1,64}$/,
    "is no camera name: 1 to 64 of A-Z a-z 0-9 . _ -, and no word that topics use",
  );

/** By camera. */
export const sourcesSchema: z.ZodType<Readonly<Record<string, SourceSettings>>> = z
  .record(cameraName, source)
  .default({})
  .describe("Cameras that the node pulls frames from itself, by their names; frames over MQTT need nothing here.");
