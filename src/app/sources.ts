import { readFileSync } from "node:fs";
import { Observable } from "rxjs";
import { backoffMs } from "../edge/backoff.ts";
import { ffmpegCall } from "../edge/sources/ffmpeg-call.ts";
import { ffmpegRun } from "../edge/sources/ffmpeg-run.ts";
import { folderRun } from "../edge/sources/folder-run.ts";
import {
  keepRunning,
  type Source,
  type SourceFrame,
  type SourceRun,
  type SourceState,
} from "../edge/sources/source.ts";
import { appError } from "../kernel/errors.ts";
import { createRng } from "../kernel/rng.ts";
import type { SourceTelemetry } from "../message/telemetry.ts";
import type { Topics } from "../message/topic.ts";
import type { FfmpegSource, SourceSettings } from "../settings/source-types.ts";
import type { Log, RawMessage } from "../stream/parts.ts";
import type { LiveSettings } from "./live-settings.ts";

/** A camera that is off for the night is looked for once a minute. */
const backoff = { minMs: 1000, maxMs: 60_000 };
const STEADY_MS = 30_000;

export interface CameraSourcesOptions {
  readonly topics: Pick<Topics, "frame">;
  readonly log: Log;
  /** Default: `ffmpeg`. */
  readonly program?: string;
}

/** The cameras that the node pulls frames from itself. */
export interface CameraSources {
  /** Their frames, as if they came over MQTT with QoS 0. They start when it is subscribed to, and stop after it; it never ends. */
  readonly raw$: Observable<RawMessage>;
  /** By camera; undefined where there are none. */
  telemetry(): Readonly<Record<string, SourceTelemetry>> | undefined;
  /** Every process is gone after it; stops them first. Idempotent. */
  close(): Promise<void>;
}

/** Follows the settings: sources that are new, gone or other start and stop, each alone. */
export function cameraSources(
  { settings, changed$ }: Pick<LiveSettings, "settings" | "changed$">,
  { topics, log, program }: CameraSourcesOptions,
): CameraSources {
  const { maxFrameBytes } = settings.stream;
  const running = new Map<string, Running>();
  let isClosed = false;
  let following: Promise<void> = Promise.resolve();
  const rng = createRng(Date.now() >>> 0);
  const run = (source: SourceSettings): SourceRun => {
    const everyMs = 1000 / source.framesPerSecond;
    if (source.kind === "folder")
      return folderRun({ path: source.path, everyMs, maxFrameBytes, stalledMs: source.stalledMs });
    return ffmpegRun({
      call: () => ffmpegCall(source, passwordOf(source)),
      maxFrameBytes,
      stalledMs: source.stalledMs + everyMs,
      ends: source.kind === "file" && !source.repeat,
      ...(program !== undefined && { program }),
    });
  };

  function start(camera: string, chosen: SourceSettings, onFrame: (frame: RawMessage) => void): void {
    const source = keepRunning(run(chosen), {
      onFrame: (frame) => onFrame(messageOf(camera, frame, topics)),
      onState: (state) => tell(camera, chosen.kind, state, log),
      delayMs: (attempt) => backoffMs(attempt, backoff, rng),
      steadyMs: STEADY_MS,
    });
    running.set(camera, { chosen, source });
  }

  function startMissing(onFrame: (frame: RawMessage) => void): void {
    for (const [camera, source] of Object.entries(settings.sources)) {
      if (!running.has(camera)) start(camera, source, onFrame);
    }
  }

  /** What is other stops before it starts: two cannot have one device. */
  async function follow(onFrame: (frame: RawMessage) => void): Promise<void> {
    const wanted = new Map(Object.entries(settings.sources));
    const over = [...running].filter(([camera, one]) => !isSame(one.chosen, wanted.get(camera)));
    await Promise.all(over.map(([, { source }]) => source.close()));
    if (isClosed) return;
    for (const [camera, { chosen: before }] of over) {
      running.delete(camera);
      if (!wanted.has(camera)) log("info", `source ${camera} (${before.kind}) was taken away`);
    }
    startMissing(onFrame);
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all([...running.values()].map(({ source }) => source.close()));
  }

  return {
    raw$: new Observable((subscriber) => {
      const onFrame = (frame: RawMessage): void => subscriber.next(frame);
      const again = (): void => void (following = following.then(() => follow(onFrame)));
      startMissing(onFrame);
      subscriber.add(changed$.subscribe(again));
      return () => void close();
    }),
    telemetry() {
      if (running.size === 0) return undefined;
      return Object.fromEntries([...running].map(([camera, { source }]) => [camera, telemetryOf(source)]));
    },
    close,
  };
}

interface Running {
  readonly chosen: SourceSettings;
  readonly source: Source;
}

function isSame(one: SourceSettings, other: SourceSettings | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function messageOf(camera: string, { bytes, frameId }: SourceFrame, topics: Pick<Topics, "frame">): RawMessage {
  const now = Date.now();
  return {
    topic: topics.frame(camera, frameId),
    payload: bytes,
    qos: 0,
    retain: false,
    properties: new Map([["capturedAt", new Date(now).toISOString()]]),
    receivedAt: now,
    settle: () => {},
  };
}

/** Only changes come here: a camera that is off for a week is told of once. */
function tell(camera: string, kind: SourceSettings["kind"], state: SourceState, log: Log): void {
  if (state.kind === "running") log("info", `source ${camera} (${kind}) runs`);
  if (state.kind === "ended") log("info", `source ${camera} (${kind}) is at its end`);
  if (state.kind !== "failing") return;
  const { code, message, hint } = state.fault;
  log("warn", `source ${camera} (${kind}): ${code}: ${message}. ${hint}`);
}

function telemetryOf(source: Source): SourceTelemetry {
  const { state, frames, restarts } = source.stats();
  return { state: state.kind, code: state.kind === "failing" ? state.fault.code : null, frames, restarts };
}

/** Read again at every start of ffmpeg. @throws AppError `source/password` */
function passwordOf(source: FfmpegSource): string | undefined {
  const file = "passwordFile" in source ? source.passwordFile : undefined;
  if (file === undefined) return undefined;
  try {
    const [line] = readFileSync(file, "utf8").split(/\r?\n/, 1);
    if (line) return line;
  } catch (cause) {
    throw appError("source/password", `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  throw appError("source/password", `the first line of ${file} is empty`);
}
