import type { ShownTelemetry } from "./inputs.ts";

/** A telemetry message as the page's key figures. */
export interface TelemetrySummary {
  readonly framesPerSecond: number;
  /** Median and 90th percentile of a prediction; null before the first. */
  readonly latencyMs: { readonly p50: number; readonly p90: number } | null;
  readonly dropped: number;
  readonly rejected: number;
  /** Each head's windowed accuracy and its weight in the answer. */
  readonly heads: readonly { readonly name: string; readonly accuracy: number | null; readonly weight: number }[];
  /** e.g. `onnx on cpu`. */
  readonly provider?: string;
  readonly memoryBytes?: number;
}

export function summarise(telemetry: ShownTelemetry): TelemetrySummary {
  const { rates, latencyMs, drops, rejected, accuracy, combination, box } = telemetry;
  return {
    framesPerSecond: rates.framesPerSecond,
    latencyMs: latencyMs.prediction,
    dropped: total(drops),
    rejected: total(rejected),
    heads: (["prompted", "statistics"] as const).map((name) => ({
      name,
      accuracy: accuracy[name].windowed,
      weight: combination[name] ?? 0,
    })),
    ...(box && { provider: `${box.engine} on ${box.provider}`, memoryBytes: box.memoryBytes }),
  };
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
