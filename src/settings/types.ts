import type { SourceSettings } from "./source-types.ts";

/** One configuration file, checked, with defaults filled in. Meanings and bounds: the schema, or config/*.yaml. */
export interface Settings {
  readonly node: NodeSettings;
  readonly mqtt: MqttSettings;
  readonly broker: BrokerSettings;
  readonly model: ModelSettings;
  readonly learner: LearnerChoice;
  readonly stream: StreamChoice;
  readonly drift: DriftChoice;
  readonly snapshot: SnapshotSettings;
  readonly state: StateSettings;
  readonly dashboard: DashboardSettings;
  readonly monitor: MonitorSettings;
  readonly homeAssistant: HomeAssistantSettings;
  /** By camera. */
  readonly sources: Readonly<Record<string, SourceSettings>>;
  readonly log: LogSettings;
}

export interface NodeSettings {
  /** Undefined: the host name. `LoadedSettings` always has it. */
  readonly id?: string | undefined;
  readonly base: string;
}

export interface MqttSettings {
  /** Undefined: the embedded broker. */
  readonly url?: string | undefined;
  readonly version: "auto" | 5 | 4;
  /** Undefined: derived from base and node id. */
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tls: TlsSettings;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly sessionExpiryS: number;
  readonly receiveWindow: number;
  readonly maxLabelBytes: number;
  readonly outboxMaxMessages: number;
  readonly outboxMaxBytes: number;
  readonly whenOutboxFull: "drop-oldest" | "drop-newest";
  /** 0: no queue on disk. */
  readonly queueMaxBytes: number;
  readonly whenQueueFull: "drop-oldest" | "drop-newest";
}

export interface TlsSettings {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly serverName?: string | undefined;
}

export interface BrokerSettings {
  readonly port: number;
}

export interface ModelSettings {
  /** Undefined: the embedded backbone. */
  readonly path?: string | undefined;
  /** Undefined: the model as it is. */
  readonly precision?: "fp32" | "fp16" | "int8" | undefined;
  readonly engine: "onnx" | "tfjs";
  readonly provider: "auto" | "cpu" | "cuda" | "tensorrt";
  /** 0: the runtime's own choice. */
  readonly threads: number;
  readonly warmUpMs: number;
  readonly tensorrt: { readonly fp16: boolean; readonly batch: number };
}

export interface LearnerChoice {
  readonly preset:
    | "stream"
    | "paper"
    | "paper-cifar100-first-release"
    | "paper-cifar100-ports"
    | "paper-five-datasets"
    | "paper-core50";
  readonly seed: number;
  readonly overrides: LearnerOverrides;
}

/** What may differ from the preset, in the names of the learner's own settings. */
export interface LearnerOverrides {
  readonly heads?: readonly ("prompted" | "statistics")[] | undefined;
  readonly topLabels?: number | undefined;
  readonly pool?:
    | {
        readonly size?: number | undefined;
        readonly promptLength?: number | undefined;
        readonly topN?: number | undefined;
        readonly diversityPenalty?: boolean | undefined;
      }
    | undefined;
  readonly loss?:
    | { readonly pullWeight?: number | undefined; readonly labelSmoothing?: number | undefined }
    | undefined;
  readonly optimiser?:
    | {
        readonly learningRate?: number | undefined;
        readonly keyRate?: number | undefined;
        readonly clipNorm?: number | undefined;
        readonly stepsPerBatch?: number | undefined;
      }
    | undefined;
  readonly combine?:
    | { readonly priorStrength?: number | undefined; readonly memorySamples?: number | undefined }
    | undefined;
  readonly unknown?: { readonly falseAlarmShare?: number | undefined } | undefined;
}

/** The pipeline's bounds and periods, in its own names; its checkpoint policy stands in `SnapshotSettings`. */
export interface StreamChoice {
  readonly maxFrameBytes: number;
  readonly maxImagePixels: number;
  readonly maxCameras: number;
  readonly parallelFrames: number;
  readonly labelWindowMs: number;
  readonly labelWindowFrames: number;
  readonly labelWindowBytes: number;
  readonly correctionWindowMs: number;
  readonly maxPendingLabels: number;
  readonly maxLabels: number;
  readonly dedupeFrames: number;
  readonly learnBatch: number;
  readonly learnMaxWaitMs: number;
  readonly whenJournalFull: "hold" | "reject";
  readonly journalWaitMs: number;
  readonly journalRetryMs: number;
  readonly asksPerHour: number;
  readonly telemetryMs: number;
  readonly accuracyWindow: number;
  readonly accuracyFading: number;
  readonly drainMs: number;
}

interface DetectorChoice {
  readonly detector: "adwin" | "page-hinkley" | "off";
  readonly adwin: {
    readonly delta: number;
    readonly clock: number;
    readonly maxBuckets: number;
    readonly minWindow: number;
    readonly grace: number;
  };
  readonly pageHinkley: {
    readonly delta: number;
    readonly threshold: number;
    readonly alpha: number;
    readonly minSamples: number;
  };
}

/** What watches over the world and over the learner, in the pipeline's own names. */
export interface DriftChoice {
  readonly error: DetectorChoice;
  readonly similarity: DetectorChoice & {
    readonly frames: number;
    readonly warmUp: number;
    readonly memory: number;
    readonly leastDeviation: number;
  };
  readonly boost: number;
  readonly boostLabels: number;
  readonly rollback: {
    readonly enabled: boolean;
    readonly windowLabels: number;
    readonly margin: number;
    readonly labelsPerMistake: number;
  };
}

export interface SnapshotSettings {
  readonly everyLearned: number;
  readonly everyMs: number;
  readonly precision: "fp16" | "int8";
  readonly keep: number;
  readonly publish: boolean;
  /** Topic of a retained snapshot that an empty node starts from. */
  readonly warmStart?: string | undefined;
}

export interface StateSettings {
  readonly folder: string;
  readonly journalMaxBytes: number;
}

export interface DashboardSettings {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly teach: boolean;
  readonly tokenFile?: string | undefined;
}

export interface MonitorSettings {
  readonly host: string;
  /** Undefined: at the page's address alone. */
  readonly port?: number | undefined;
  readonly stalledMs: number;
}

export interface HomeAssistantSettings {
  readonly enabled: boolean;
  readonly discoveryPrefix: string;
  readonly statusTopic: string;
}

export interface LogSettings {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
}
