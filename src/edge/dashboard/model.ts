import type { Clock } from "../../kernel/clock.ts";
import type { Status } from "../../message/status.ts";
import { createAsks } from "./asks.ts";
import { createCameras } from "./cameras.ts";
import { createEventLog } from "./event-log.ts";
import type { CheckpointInput, DashboardInputs, ShownDrift, ShownTelemetry } from "./inputs.ts";
import { createPromptHistory } from "./prompt-history.ts";
import { summarise } from "./summary.ts";
import { createTally, windowLength } from "./tally.ts";

/** The page's parts, each sent only when it changed. */
export const sections = [
  "summary",
  "cameras",
  "asks",
  "history",
  "classes",
  "confusion",
  "prompts",
  "snapshots",
  "events",
] as const;
export type Section = (typeof sections)[number];

/** Everything that the page shows, kept bounded; inputs go in, sections come out. */
export interface Model {
  readonly inputs: DashboardInputs;
  /** Grows whenever the section changes. */
  version(section: Section): number;
  /** The section's content, ready for JSON. */
  view(section: Section): unknown;
  /** The picture of that sequence number while it is kept, else the newest. */
  image(camera: string, sequence?: number): Uint8Array | undefined;
  /** The picture of a frame that asks for its label. */
  asked(camera: string, frameId: string): Uint8Array | undefined;
}

export interface ModelOptions {
  readonly node: string;
  readonly model: string;
  readonly clock: Clock;
  /** Whether the page may teach. */
  readonly teach: boolean;
  /** How long a frame can be labelled. */
  readonly labelWindowMs: () => number;
}

const maxPublished = 64;

export function createModel({ node, model, clock, teach, labelWindowMs }: ModelOptions): Model {
  const startedAt = clock.now();
  const cameras = createCameras();
  const tally = createTally();
  const log = createEventLog();
  const asks = createAsks(labelWindowMs);
  const promptHistory = createPromptHistory();
  /** Sizes of the compact snapshots by their version. */
  const published = new Map<number, number>();
  let checkpoints: readonly CheckpointInput[] | undefined;
  const versions = new Map<Section, number>(sections.map((section) => [section, 1]));
  let telemetry: ShownTelemetry | null = null;
  let status: Status = "warming";
  let poolVersion = 0;
  let activePrompts: readonly number[] = [];

  function touch(...changed: Section[]): void {
    for (const section of changed) versions.set(section, versions.get(section)! + 1);
  }

  function tell(kind: Parameters<typeof log.add>[0], text: string): void {
    log.add(kind, text, clock.now());
    touch("events");
  }

  const views: Record<Section, () => unknown> = {
    summary: () => ({
      node,
      model,
      teach,
      status,
      startedAt,
      now: clock.now(),
      poolVersion,
      learned: tally.learned,
      overall: tally.overall,
      windowed: tally.windowed,
      windowLength,
      labels: tally.classes.length,
      ...(telemetry && summarise(telemetry)),
    }),
    cameras: () => ({ now: clock.now(), cameras: cameras.views }),
    asks: () => asks.views,
    history: () => ({ points: tally.points, marks: tally.marks, learned: tally.learned }),
    classes: () => tally.classes,
    confusion: () => tally.confusion,
    prompts: () => ({
      use: telemetry?.promptUse ?? [],
      active: activePrompts,
      columns: promptHistory.columns,
      now: clock.now(),
    }),
    snapshots: () =>
      (checkpoints ?? []).map((one) => ({ ...one, publishedBytes: published.get(one.poolVersion) ?? null })),
    events: () => log.lines,
  };

  const inputs: DashboardInputs = {
    frame(camera, image, prediction) {
      poolVersion = prediction.poolVersion;
      activePrompts = prediction.promptIds;
      if (cameras.frame(camera, image, prediction, clock.now()))
        tell("camera", `Camera ${camera} sent its first frame`);
      if (teach && asks.frame(camera, image, prediction, clock.now())) touch("asks");
      touch("cameras", "prompts", "summary");
    },
    learned(camera, learned) {
      poolVersion = learned.poolVersion;
      cameras.learned(camera, learned, clock.now());
      if (tally.add(learned)) tell("label", `New label “${learned.label}”, learned from frame ${learned.frameId}`);
      if (learned.correction) tell("note", `Frame ${learned.frameId} was corrected to “${learned.label}”`);
      if (asks.settled(camera, learned.frameId)) touch("asks");
      touch("summary", "cameras", "history", "classes", "confusion");
    },
    rejected(camera, { code, detail, frameId }) {
      if (camera !== null && frameId !== undefined && asks.settled(camera, frameId)) touch("asks");
      tell("rejected", `Refused${camera === null ? "" : ` from ${camera}`}: ${detail} (${code})`);
    },
    drift(drift) {
      const text = driftText(drift);
      tally.mark("drift", text);
      tell("drift", text);
      touch("history");
    },
    telemetry(input) {
      telemetry = input;
      tally.known(input.classCounts);
      promptHistory.add(input.promptUse, clock.now());
      if (asks.sweep(clock.now())) touch("asks");
      touch("summary", "prompts", "classes");
    },
    snapshot(input) {
      published.set(input.version, input.sizeBytes);
      if (published.size > maxPublished) published.delete(published.keys().next().value!);
      touch("snapshots");
    },
    checkpoints(next) {
      const newest = next[0];
      // Those of earlier runs are no news.
      if (checkpoints && newest && newest.name !== checkpoints[0]?.name) tell("snapshot", snapshotText(newest));
      checkpoints = next;
      touch("snapshots");
    },
    note({ kind, text }) {
      tally.mark(kind, text);
      tell(kind, text);
      touch("history");
    },
    status(next) {
      if (next === status) return;
      status = next;
      tell("status", `The node is ${next}`);
      touch("summary");
    },
  };

  return {
    inputs,
    version: (section) => versions.get(section)!,
    view: (section) => views[section](),
    image: (camera, sequence) => cameras.image(camera, sequence),
    asked: (camera, frameId) => asks.image(camera, frameId),
  };
}

function driftText({ watch, camera, before, after }: ShownDrift): string {
  if (watch === "error") return `Drift: ${percent(before)} of the answers were wrong, now ${percent(after)}`;
  const how = after < before ? "less like" : "more like";
  return `Drift at ${camera}: frames look ${how} what was learned, ${before.toFixed(2)} before and ${after.toFixed(2)} now`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function snapshotText({ poolVersion, reason }: CheckpointInput): string {
  const why = reason === "restore" || reason === "rollback" ? ": an earlier state is back" : "";
  return `Snapshot ${poolVersion} written${why}`;
}
