import type { Percentiles } from "../message/telemetry.ts";

/** Percentiles of the latest samples, exact over a bounded ring. */
export interface Latency {
  add(ms: number): void;
  read(): Percentiles | null;
}

export function latency(size = 512): Latency {
  const ring: number[] = [];
  let added = 0;
  return {
    add(ms) {
      ring[added++ % size] = ms;
    },
    read() {
      if (ring.length === 0) return null;
      const sorted = ring.toSorted((a, b) => a - b);
      // Nearest rank: the smallest value that at least a share p of the samples do not exceed.
      const at = (p: number): number => sorted[Math.ceil(p * sorted.length) - 1]!;
      return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
    },
  };
}
