import type { Percentiles } from "../../message/telemetry.ts";
import type { ShownTelemetry } from "./inputs.ts";

/** A telemetry message as the page's key figures. */
export interface TelemetrySummary {
  /** Whether learning waits. */
  readonly paused: boolean;
  readonly rates: ShownTelemetry["rates"];
  /** Null before the first. */
  readonly latencyMs: { readonly prediction: Percentiles | null; readonly learning: Percentiles | null };
  readonly dropped: number;
  readonly rejected: number;
  readonly drops: ShownTelemetry["drops"];
  readonly rejects: ShownTelemetry["rejected"];
  /** Labels taken and not learned yet. */
  readonly pending: number;
  readonly journalBytes: number;
  /** Each head's windowed accuracy and its weight in the answer. */
  readonly heads: readonly { readonly name: string; readonly accuracy: number | null; readonly weight: number }[];
  /** e.g. `onnx on cpu`. */
  readonly provider?: string;
  readonly memoryBytes?: number;
  readonly temperatureC?: number | null;
}

export function summarise(telemetry: ShownTelemetry): TelemetrySummary {
  const { paused, rates, latencyMs, drops, rejected, accuracy, combination, waiting, box } = telemetry;
  return {
    paused,
    rates,
    latencyMs,
    dropped: total(drops),
    rejected: total(rejected),
    drops,
    rejects: rejected,
    pending: waiting.pending,
    journalBytes: waiting.journalBytes,
    heads: (["prompted", "statistics"] as const).map((name) => ({
      name,
      accuracy: accuracy[name].windowed,
      weight: combination[name] ?? 0,
    })),
    ...(box && {
      provider: `${box.engine} on ${box.provider}`,
      memoryBytes: box.memoryBytes,
      temperatureC: box.temperatureC,
    }),
  };
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
