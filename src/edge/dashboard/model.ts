import type { Clock } from "../../kernel/clock.ts";
import type { Status } from "../../message/status.ts";
import { createCameras } from "./cameras.ts";
import { createEventLog } from "./event-log.ts";
import type { DashboardInputs, ShownTelemetry, SnapshotInput } from "./inputs.ts";
import { summarise } from "./summary.ts";
import { createTally, windowLength } from "./tally.ts";

/** The page's parts, each sent only when it changed. */
export const sections = ["summary", "cameras", "history", "classes", "prompts", "snapshots", "events"] as const;
export type Section = (typeof sections)[number];

/** Everything that the page shows, kept bounded; inputs go in, sections come out. */
export interface Model {
  readonly inputs: DashboardInputs;
  /** Grows whenever the section changes. */
  version(section: Section): number;
  /** The section's content, ready for JSON. */
  view(section: Section): unknown;
  /** The picture of that sequence number while it is kept, else the newest. */
  image(camera: string, sequence: number): Uint8Array | undefined;
}

export interface ModelOptions {
  readonly node: string;
  readonly model: string;
  readonly clock: Clock;
}

const maxSnapshots = 12;

export function createModel({ node, model, clock }: ModelOptions): Model {
  const startedAt = clock.now();
  const cameras = createCameras();
  const tally = createTally();
  const log = createEventLog();
  const snapshots: (SnapshotInput & { readonly at: number })[] = [];
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
    history: () => ({ points: tally.points, marks: tally.marks, learned: tally.learned }),
    classes: () => tally.classes,
    prompts: () => ({ use: telemetry?.promptUse ?? [], active: activePrompts }),
    snapshots: () => snapshots,
    events: () => log.lines,
  };

  const inputs: DashboardInputs = {
    frame(camera, image, prediction) {
      poolVersion = prediction.poolVersion;
      activePrompts = prediction.promptIds;
      if (cameras.frame(camera, image, prediction, clock.now()))
        tell("camera", `Camera ${camera} sent its first frame`);
      touch("cameras", "prompts", "summary");
    },
    learned(camera, learned) {
      poolVersion = learned.poolVersion;
      cameras.learned(camera, learned, clock.now());
      if (tally.add(learned)) tell("label", `New label “${learned.label}”, learned from frame ${learned.frameId}`);
      if (learned.correction) tell("note", `Frame ${learned.frameId} was corrected to “${learned.label}”`);
      touch("summary", "cameras", "history", "classes");
    },
    rejected(camera, { code, detail }) {
      tell("rejected", `Refused${camera === null ? "" : ` from ${camera}`}: ${detail} (${code})`);
    },
    telemetry(input) {
      if (telemetry && input.totals.driftSignals > telemetry.totals.driftSignals) {
        tally.mark("drift", "Drift noticed");
        tell("drift", "Drift noticed: the input no longer looks as it did");
        touch("history");
      }
      telemetry = input;
      touch("summary", "prompts");
    },
    snapshot(input) {
      snapshots.unshift({ ...input, at: clock.now() });
      if (snapshots.length > maxSnapshots) snapshots.pop();
      tell("snapshot", `Snapshot ${input.version} written`);
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
  };
}
