import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { decodeStatus } from "../message/status.ts";
import { topics as topicsOf } from "../message/topic.ts";
import { createScene, type Scene } from "../scene/scene.ts";
import { demoSchedule, momentAt, type Schedule } from "../scene/schedule.ts";
import { type LoadedSettings, parseSettings } from "../settings/load.ts";
import { connectCamera } from "./camera-connection.ts";
import { type Picture, playCamera } from "./camera-player.ts";
import { type DemoScores, demoTally } from "./demo-tally.ts";
import { type RunningService, startService } from "./service.ts";

export interface DemoOptions {
  /** Ends after so many frames of all cameras together; undefined: goes on until the signal. */
  readonly frames?: number | undefined;
  readonly cameras: number;
  /** Of each camera. */
  readonly framesPerSecond: number;
  /** Length of the story, frames of each camera. */
  readonly storyFrames: number;
  readonly labelShare: number;
  readonly labelDelayMs: number;
  readonly seed: number;
  /** Undefined: the embedded backbone. */
  readonly modelPath?: string | undefined;
  /** Ports to take where they are free, else others. */
  readonly dashboardPort: number;
  readonly brokerPort: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DemoEvent) => void;
}

/** What happens, for whoever shows it. */
export type DemoEvent =
  | { readonly kind: "started"; readonly page: string; readonly broker: string; readonly runs: string }
  | { readonly kind: "phase"; readonly phase: string; readonly before: DemoScores }
  | {
      readonly kind: "progress";
      readonly frames: number;
      readonly phase: string;
      readonly poolVersion: number;
      readonly scores: DemoScores;
    };

export interface DemoSummary {
  readonly frames: number;
  readonly predictions: number;
  /** Labels sent; each ends as learned or rejected. */
  readonly labels: number;
  readonly learned: number;
  readonly rejected: number;
  readonly poolVersion: number;
  readonly seconds: number;
  readonly accuracy: DemoScores;
}

/** How long the node may take to be online, and at the end the last labels to be learned, ms. */
const SETTLE_MS = 60_000;
const PROGRESS_EVERY_MS = 500;
const NODE = "demo";

/**
 * A whole plant on one machine: broker, node, page, and cameras that the product draws itself, talking over MQTT like
 * any other. Its state lives in a temporary folder and goes with it. The signal ends it early: with a summary of what
 * was, or while it still starts with its reason thrown.
 * @throws AppError of what does not start, or of a node that fails
 */
export async function runDemo(options: DemoOptions, logger: Logger): Promise<DemoSummary> {
  const folder = await mkdtemp(join(tmpdir(), "l2p-edge-demo-"));
  try {
    const service = await startService(await demoSettings(options, folder), logger, options.signal);
    const failure = new AbortController();
    service.ended.catch((error: unknown) => failure.abort(error));
    try {
      const summary = await play(service, { ...options, signal: AbortSignal.any([options.signal, failure.signal]) });
      failure.signal.throwIfAborted();
      return summary;
    } finally {
      await service.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function demoSettings(options: DemoOptions, folder: string): Promise<LoadedSettings> {
  const settings = {
    node: { id: NODE },
    broker: { port: await freePort(options.brokerPort) },
    dashboard: { port: await freePort(options.dashboardPort), teach: true },
    model: options.modelPath === undefined ? {} : { path: options.modelPath },
    learner: { seed: options.seed },
    stream: { telemetryMs: 1000 },
    snapshot: { everyLearned: 50 },
    state: { folder },
  };
  // JSON is YAML: the demo's settings pass the same door as a user's.
  return parseSettings(JSON.stringify(settings), "demo", {});
}

async function play(service: RunningService, options: DemoOptions): Promise<DemoSummary> {
  const { cameras, signal, onEvent } = options;
  const start = performance.now();
  const schedule = demoSchedule(options.storyFrames);
  const tally = demoTally();
  const counts = { frames: 0, predictions: 0, learned: 0, rejected: 0, poolVersion: 0 };
  let phase = schedule.phases[0].name;

  service.prediction$.subscribe({ next: () => (counts.predictions += 1), error: toldByEnded });
  service.rejected$.subscribe({ next: () => (counts.rejected += 1), error: toldByEnded });
  service.learned$.subscribe({
    next({ message }) {
      counts.learned += 1;
      counts.poolVersion = message.poolVersion;
      tally.add(momentAt(schedule, indexOf(message.frameId)).phase.name, message);
    },
    error: toldByEnded,
  });
  onEvent({ kind: "started", page: service.dashboard?.url ?? "", broker: service.brokerUrl, runs: service.runs });
  service.dashboard?.note({ kind: "phase", text: phase });

  function enter(next: string): void {
    if (next === phase) return;
    phase = next;
    onEvent({ kind: "phase", phase, before: tally.scores() });
    service.dashboard?.note({ kind: "phase", text: phase });
  }
  const progress = setInterval(
    () => onEvent({ kind: "progress", phase, ...counts, scores: tally.scores() }),
    PROGRESS_EVERY_MS,
  );
  try {
    const played = await Promise.all(
      Array.from({ length: cameras }, (_, i) =>
        playOne(i, service.brokerUrl, schedule, options, (index) => {
          counts.frames += 1;
          // The first camera leads the story; the others are at most a frame away.
          if (i === 0) enter(momentAt(schedule, index).phase.name);
        }),
      ),
    );
    const labels = played.reduce((sum, one) => sum + one.labels, 0);
    await settled(() => counts.learned + counts.rejected >= labels, signal);
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    return { ...counts, labels, seconds, accuracy: tally.scores() };
  } finally {
    clearInterval(progress);
  }
}

/** Of a stream that fails: the service's `ended` rejects with the same. */
function toldByEnded(): void {}

async function playOne(
  camera: number,
  brokerUrl: string,
  schedule: Schedule,
  options: DemoOptions,
  onFrame: (index: number) => void,
): Promise<{ frames: number; labels: number }> {
  const { cameras, seed, frames = Infinity } = options;
  const share = Math.floor(frames / cameras) + (camera < frames % cameras ? 1 : 0);
  const topics = topicsOf("l2p", NODE);
  const connection = await connectCamera(brokerUrl);
  try {
    // Nobody keeps a frame for a node that does not listen yet, and its label would wait for it to the end.
    await connection.listen(topics.status, SETTLE_MS, (_, payload) => decodeStatus(payload) === "online");
    return await playCamera(pictures(createScene({ seed: seed * 100 + camera, schedule }), share), {
      ...options,
      topics,
      camera: `belt-${camera + 1}`,
      publish: connection.publish,
      seed: seed * 100 + camera,
      onFrame: (count) => onFrame(count - 1),
    });
  } finally {
    await connection.close();
  }
}

async function* pictures(scene: Scene, count: number): AsyncGenerator<Picture> {
  for (let i = 0; i < count; i++) {
    const { jpeg, label } = await scene.next();
    yield { bytes: jpeg, label };
  }
}

/** The camera player numbers its frames: `<run>-<index>`. */
function indexOf(frameId: string): number {
  return Number(frameId.slice(frameId.lastIndexOf("-") + 1));
}

async function settled(isDone: () => boolean, signal: AbortSignal): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  while (!isDone() && !signal.aborted && performance.now() < end) await sleep(20);
}

/** The preferred port where nobody listens on it, else 0: any. */
async function freePort(preferred: number): Promise<number> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(preferred, "127.0.0.1", () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free ? preferred : 0;
}
