import type { CheckpointInput, DashboardInputs, ShownTelemetry } from "../../src/edge/dashboard/inputs.ts";
import { createRng } from "../../src/kernel/rng.ts";
import { createScene } from "../../src/scene/scene.ts";
import { demoSchedule, momentAt } from "../../src/scene/schedule.ts";

export interface RunOptions {
  /** Labels learned, over all cameras. */
  readonly labels: number;
  /** Frames drawn for each camera, at the end; those before are told with an empty picture. */
  readonly drawn: number;
  readonly afterFrame?: () => Promise<void>;
  /** Frames at the end that nobody labels. */
  readonly asking?: number;
}

const runCameras: readonly string[] = ["belt-a", "belt-b"];

/** Plays a believable run into a dashboard: real pictures, and a pretended learner that errs more on what is new. */
export async function playRun(
  dashboard: DashboardInputs,
  { labels, drawn, afterFrame, asking = 0 }: RunOptions,
): Promise<void> {
  const rng = createRng(11);
  const schedule = demoSchedule(labels);
  const scenes = runCameras.map((_, seed) => createScene({ seed, schedule }));
  const seen = new Map<string, number>();
  const promptUse = Array.from({ length: 10 }, () => 0);
  let isDirty = false;
  let checkpoints: CheckpointInput[] = [];
  dashboard.checkpoints([]);
  dashboard.status("online");
  for (let i = 0; i < labels; i++) {
    const camera = runCameras[i % 2]!;
    const { phase, phaseIndex, condition } = momentAt(schedule, i);
    const before = i === 0 ? -1 : momentAt(schedule, i - 1).phaseIndex;
    if (phaseIndex !== before) {
      dashboard.note({ kind: "phase", text: phase.name });
      if (condition.smudge > 0 && !isDirty) dashboard.drift({ watch: "similarity", camera, before: 0.66, after: 0.51 });
      isDirty ||= condition.smudge > 0;
    }
    const isDrawn = i >= labels - drawn * runCameras.length;
    const frame = isDrawn ? await scenes[i % 2]!.frame(i) : undefined;
    const label = frame?.label ?? phase.parts[rng.int(phase.parts.length)]!;
    const known = seen.get(label) ?? 0;
    const sure = Math.min(0.97, (1 - 0.9 ** known) * (condition.smudge > 0 ? 0.72 + i / (4 * labels) : 0.98));
    const others = phase.parts.filter((part) => part !== label && seen.has(part));
    const other = others[rng.int(Math.max(1, others.length))] ?? null;
    const correct = rng.uniform() < sure;
    const predicted = correct ? label : other;
    const promptIds = [0, 1, 2].map((n) => (phaseIndex * 2 + n * 3 + rng.int(2)) % 10);
    for (const id of promptIds) promptUse[id]! += 1;
    const frameId = String(i + 1);
    const confidence = predicted === null ? 0 : correct ? 0.45 + 0.5 * sure : 0.3 + 0.2 * rng.uniform();
    dashboard.frame(camera, frame?.jpeg ?? new Uint8Array(0), {
      frameId,
      label: predicted,
      confidence,
      unknown: false,
      wantsLabel: false,
      top:
        predicted === null
          ? []
          : [
              [predicted, confidence],
              [correct ? (other ?? "bolt") : label, Math.min(0.9 * confidence, 0.7 * (1 - confidence))],
            ],
      promptIds,
      poolVersion: i,
      latencyMs: 28 + 6 * rng.uniform(),
    });
    seen.set(label, known + 1);
    const poolVersion = i + 1;
    dashboard.learned(camera, { frameId, label, predicted, correct, poolVersion, correction: false, replayed: false });
    if (poolVersion % 80 === 0) {
      dashboard.snapshot({ version: poolVersion, sizeBytes: 33_400 + 12 * i });
      checkpoints = [checkpoint(poolVersion, 0.8 + i / (6 * labels)), ...checkpoints];
      dashboard.checkpoints(checkpoints);
    }
    dashboard.telemetry(telemetry(i, promptUse, seen));
    if (i === Math.floor(labels / 2)) {
      dashboard.rejected(camera, { code: "frame/not-an-image", detail: "41 bytes that are no JPEG, PNG or WebP" });
    }
    if (isDrawn) await afterFrame?.();
  }
  for (let i = 0; i < asking; i++) {
    const { jpeg, label } = await scenes[i % 2]!.frame(labels - 1 - i);
    const confidence = 0.31 + 0.03 * i;
    dashboard.frame(runCameras[i % 2]!, jpeg, {
      frameId: `asking-${i}`,
      label,
      confidence,
      unknown: false,
      wantsLabel: false,
      top: [
        [label, confidence],
        [label === "nut" ? "bolt" : "nut", 0.2],
      ],
      promptIds: [1, 2, 3],
      poolVersion: labels,
      latencyMs: 30,
    });
    await afterFrame?.();
  }
}

function checkpoint(poolVersion: number, accuracy: number): CheckpointInput {
  const name = `checkpoint-${poolVersion}`;
  return { name, poolVersion, sizeBytes: 412_000, accuracy, reason: "learned", createdAt: new Date().toISOString() };
}

function telemetry(learned: number, promptUse: readonly number[], seen: ReadonlyMap<string, number>): ShownTelemetry {
  const accuracy = { overall: 0.86, windowed: 0.9, fading: 0.9 };
  return {
    paused: false,
    rates: { framesPerSecond: 12.4, predictionsPerSecond: 12.4, learnedPerSecond: 6.1 },
    totals: {
      frames: learned,
      predictions: learned,
      unknown: 0,
      asked: 0,
      learned,
      corrections: 0,
      duplicates: 0,
      replayed: 0,
      driftSignals: 0,
    },
    latencyMs: {
      prediction: { p50: 31, p90: 44, p99: 60, max: 91 },
      learning: { p50: 58, p90: 71, p99: 96, max: 140 },
    },
    drops: { mailbox: 14, window: 3 },
    rejected: { "frame/not-an-image": 1 },
    accuracy: { samples: learned, combined: accuracy, prompted: { ...accuracy, windowed: 0.81 }, statistics: accuracy },
    classCounts: Object.fromEntries(seen),
    waiting: { labels: 0, pending: 2, windowFrames: 120, windowBytes: 900_000, journalBytes: 48_000 },
    promptUse: [...promptUse],
    combination: { prompted: 0.38, statistics: 0.62 },
    box: {
      engine: "onnx",
      provider: "cpu",
      memoryBytes: 312_000_000,
      temperatureC: null,
      uptimeS: 60,
      mqtt: { outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 0 },
    },
  };
}
