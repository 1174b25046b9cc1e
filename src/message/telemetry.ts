import { z } from "zod";

type Counts = Readonly<Record<string, number>>;

/** Milliseconds, of the latest samples; null before the first. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Shares 0…1 of right predictions; null before the first. */
export interface Accuracy {
  readonly overall: number | null;
  readonly windowed: number | null;
  readonly fading: number | null;
}

/** Prequential: predicted just before it was learned. Corrections are left out. */
export interface Accuracies {
  readonly samples: number;
  readonly combined: Accuracy;
  readonly prompted: Accuracy;
  readonly statistics: Accuracy;
}

/** What the pipeline itself knows. */
export interface PipelineTelemetry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly poolVersion: number;
  readonly paused: boolean;
  /** Since the telemetry before. */
  readonly rates: {
    readonly framesPerSecond: number;
    readonly predictionsPerSecond: number;
    readonly learnedPerSecond: number;
  };
  /** Since the start of the process. */
  readonly totals: {
    readonly frames: number;
    readonly predictions: number;
    /** Of them, unlike anything learned. */
    readonly unknown: number;
    /** Of them, asked for their labels. */
    readonly asked: number;
    readonly learned: number;
    readonly corrections: number;
    readonly duplicates: number;
    readonly replayed: number;
    readonly driftSignals: number;
  };
  /** Since the start of the process. */
  readonly drift: {
    /** Alarms on the errors of labelled frames, and on the similarity of predicted ones; together `driftSignals`. */
    readonly error: number;
    readonly similarity: number;
    /** Times that the learner went back to an earlier state by itself. */
    readonly rollbacks: number;
  };
  /** What the learning rate is multiplied by: above 1 for a while after a drift. */
  readonly plasticity: number;
  readonly latencyMs: { readonly prediction: Percentiles | null; readonly learning: Percentiles | null };
  /** Frames not predicted or no longer in the label window, by reason. */
  readonly drops: Counts;
  /** By error code. */
  readonly rejected: Counts;
  readonly accuracy: Accuracies;
  /** Samples learned, by label. */
  readonly classCounts: Counts;
  /** How often each prompt was selected, [M]. */
  readonly promptUse: readonly number[];
  /** Weight of each head. */
  readonly combination: Counts;
  readonly waiting: {
    /** Labels whose frame has not come. */
    readonly labels: number;
    /** Labels taken and not learned yet, those without a frame included. */
    readonly pending: number;
    readonly windowFrames: number;
    readonly windowBytes: number;
    readonly journalBytes: number;
  };
}

/** A camera that the node pulls frames from itself. */
export interface SourceTelemetry {
  readonly state: "starting" | "running" | "failing" | "ended" | "closed";
  /** Why it is failing: an error code. */
  readonly code: string | null;
  /** Since the start. */
  readonly frames: number;
  readonly restarts: number;
}

/** What the service adds of the machine. */
export interface BoxTelemetry {
  readonly engine: string;
  /** What really runs. */
  readonly provider: string;
  /** Resident set of the process. */
  readonly memoryBytes: number;
  readonly temperatureC: number | null;
  readonly uptimeS: number;
  readonly mqtt: {
    /** QoS 1 messages that wait for the broker. */
    readonly outboxMessages: number;
    readonly outboxBytes: number;
    /** QoS 1 messages lost because the outbox was full or the broker refused them, since the start. */
    readonly outboxDropped: number;
    /** QoS 0 messages not sent, because offline or the broker reads too slowly, since the start. */
    readonly unsentQos0: number;
  };
  /** learned and rejected messages on disk until the broker has them; absent without that queue. */
  readonly queue?: QueueTelemetry | undefined;
  /** By camera; absent where the node pulls from none. */
  readonly sources?: Readonly<Record<string, SourceTelemetry>> | undefined;
  /** What the command `set` changed, by key; absent where that is nothing. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface QueueTelemetry {
  readonly messages: number;
  readonly bytes: number;
  /** Lost because it was full or the broker refused them, since the start. */
  readonly dropped: number;
}

/** Published on `telemetry`, retained. */
export interface TelemetryMessage extends PipelineTelemetry {
  readonly v: 1;
  readonly box?: BoxTelemetry | undefined;
}

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const rate = z.number().min(0);
const counts = z.record(z.string(), count);
const percentiles = z.strictObject({ p50: rate, p90: rate, p99: rate, max: rate }).nullable();
const accuracy = z.strictObject({
  overall: share.nullable(),
  windowed: share.nullable(),
  fading: share.nullable(),
});

export const telemetrySchema: z.ZodType<TelemetryMessage> = z.strictObject({
  v: z.literal(1),
  at: z.iso.datetime(),
  poolVersion: count,
  paused: z.boolean(),
  rates: z
    .strictObject({ framesPerSecond: rate, predictionsPerSecond: rate, learnedPerSecond: rate })
    .describe("since the telemetry before"),
  totals: z
    .strictObject({
      frames: count,
      predictions: count,
      unknown: count.describe("of them, unlike anything learned"),
      asked: count.describe("of them, asked for their labels"),
      learned: count,
      corrections: count,
      duplicates: count,
      replayed: count,
      driftSignals: count,
    })
    .describe("since the start of the process"),
  drift: z
    .strictObject({ error: count, similarity: count, rollbacks: count })
    .describe("alarms by detector, and times that the learner went back by itself, since the start of the process"),
  plasticity: z.number().min(0).describe("what the learning rate is multiplied by: above 1 for a while after a drift"),
  latencyMs: z
    .strictObject({ prediction: percentiles, learning: percentiles })
    .describe("of the latest samples; null before the first"),
  drops: counts.describe("frames not predicted or no longer in the label window, by reason"),
  rejected: counts.describe("by error code"),
  accuracy: z
    .strictObject({ samples: count, combined: accuracy, prompted: accuracy, statistics: accuracy })
    .describe("prequential: predicted just before it was learned; corrections are left out"),
  classCounts: z.record(z.string(), z.number().min(0)).describe("samples learned, by label"),
  promptUse: z.array(z.number().min(0)).describe("how often each prompt was selected"),
  combination: z.record(z.string(), share).describe("weight of each head"),
  waiting: z.strictObject({
    labels: count.describe("labels whose frame has not come"),
    pending: count.describe("labels taken and not learned yet"),
    windowFrames: count,
    windowBytes: count,
    journalBytes: count,
  }),
  box: z
    .strictObject({
      engine: z.string(),
      provider: z.string().describe("what really runs"),
      memoryBytes: count.describe("resident set of the process"),
      temperatureC: z.number().nullable(),
      uptimeS: z.number().min(0),
      mqtt: z
        .strictObject({
          outboxMessages: count,
          outboxBytes: count,
          outboxDropped: count.describe("lost since the start: the outbox was full, or the broker refused them"),
          unsentQos0: count.describe("predictions and telemetry not sent since the start: no broker, or a slow one"),
        })
        .describe("what waits to be sent, and what was lost"),
      sources: z
        .record(
          z.string(),
          z.strictObject({
            state: z.enum(["starting", "running", "failing", "ended", "closed"]),
            code: z.string().nullable().describe("why it is failing: an error code"),
            frames: count.describe("since the start"),
            restarts: count.describe("since the start"),
          }),
        )
        .optional()
        .describe("cameras that the node pulls frames from itself, by name"),
      queue: z
        .strictObject({
          messages: count,
          bytes: count,
          dropped: count.describe("lost since the start: it was full, or the broker refused them"),
        })
        .optional()
        .describe("learned and rejected messages on disk until the broker has them"),
      settings: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .optional()
        .describe("what the command set changed, by key"),
    })
    .optional(),
});
