import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { healthFamilies, telemetryFamilies } from "../../../src/edge/monitor/families.ts";
import { healthOf } from "../../../src/edge/monitor/health.ts";
import { metricsText } from "../../../src/edge/monitor/text-format.ts";
import { parseMetrics } from "../../support/prometheus.ts";
import { sampleBox, sampleTelemetry } from "../../support/telemetry.ts";

const health = healthOf({ status: "online", connected: true, sinceAdvanceMs: 0, stalledMs: 1000 });
const families = [...healthFamilies(health), ...telemetryFamilies(sampleTelemetry, sampleBox)];
const parsed = parseMetrics(metricsText(families));
const valueOf = (name: string, labels = {}): number | undefined =>
  parsed.get(name)?.samples.find((one) => JSON.stringify(one.labels) === JSON.stringify(labels))?.value;

describe("the text", () => {
  it("has the numbers of telemetry, in base units", () => {
    expect(valueOf("l2p_frames_total")).toBe(sampleTelemetry.totals.frames);
    expect(valueOf("l2p_prediction_latency_seconds", { quantile: "0.5" })).toBeCloseTo(0.0369, 9);
    expect(valueOf("l2p_rejected_total", { code: "image/format" })).toBe(1);
    expect(valueOf("l2p_accuracy_ratio", { head: "combined", span: "windowed" })).toBe(0.25);
    expect(valueOf("l2p_labels")).toBe(2);
    expect(valueOf("l2p_healthy")).toBe(1);
    expect(valueOf("l2p_sources", { state: "failing" })).toBe(1);
    expect(valueOf("l2p_source_frames_total")).toBe(42);
    expect(valueOf("l2p_source_restarts_total")).toBe(8);
    expect(valueOf("l2p_engine_info", { engine: "onnx", provider: "cpu" })).toBe(1);
  });

  it("keeps Prometheus' conventions for names", () => {
    for (const [name, { type, help }] of parsed) {
      expect(name).toMatch(/^(l2p|process)_[a-z0-9_]+$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(name).not.toMatch(/_(ms|milliseconds|percent|mb|kb)\b|_ms_/);
      expect(help).toMatch(/\.$/);
    }
  });

  it("tells apart by nothing that people name: a thousand labels and prompts are no more lines", () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`label-${i}`, 1]));
    const big = { ...sampleTelemetry, classCounts: many, promptUse: Object.values(many) };
    const count = metricsText(telemetryFamilies(big, sampleBox)).split("\n").length;
    expect(count).toBe(metricsText(telemetryFamilies(sampleTelemetry, sampleBox)).split("\n").length);
  });

  it("leaves out what is not known yet", () => {
    const none = { overall: null, windowed: null, fading: null };
    const accuracy = { samples: 0, combined: none, prompted: none, statistics: none };
    const fresh = { ...sampleTelemetry, latencyMs: { prediction: null, learning: null }, accuracy };
    const text = metricsText(telemetryFamilies(fresh, undefined));
    const names = [...parseMetrics(text).keys()];
    expect(names).not.toContain("l2p_accuracy_ratio");
    expect(names).not.toContain("l2p_prediction_latency_seconds");
    expect(names).not.toContain("l2p_temperature_celsius");
  });

  it("carries any label value and number there and back", () => {
    const values = fc.uniqueArray(fc.string({ unit: "binary" }), { maxLength: 5 });
    const property = fc.property(values, fc.double(), fc.string(), (names, value, help) => {
      const samples = names.map((name) => ({ labels: { name, other: name }, value }));
      const text = metricsText([{ name: "l2p_x", type: "gauge", help: `${help.replaceAll("\r", "")}.`, samples }]);
      const back = names.length === 0 ? { samples: [] } : parseMetrics(text).get("l2p_x")!;
      expect(text === "").toBe(names.length === 0);
      expect(back.samples.map((one) => one.labels["name"])).toEqual(names);
      for (const sample of back.samples) expect(sample.value === value || Number.isNaN(value)).toBe(true);
    });
    fc.assert(property);
  });
});

describe("the Grafana dashboard", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../deploy/grafana/l2p-edge.json"), "utf8");
  interface Panel {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }
  const { panels } = JSON.parse(text) as { panels: readonly Panel[] };
  const queries = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));

  it.each(queries)("$title: $expr", ({ expr, legendFormat }) => {
    const [name] = /(l2p|process)_[a-z0-9_]+/.exec(expr)!;
    const family = parsed.get(name);
    expect(family, name).toBeDefined();
    // A rate of a gauge, or a counter that is drawn as it is, would be nonsense.
    expect(/^(rate|increase)\(/.test(expr)).toBe(family!.type === "counter");
    const labels = new Set([...family!.samples.flatMap((one) => Object.keys(one.labels)), "job", "instance"]);
    const asked = [...expr.matchAll(/[{,](\w+)=~?"/g), ...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]!);
    for (const label of asked) expect([...labels]).toContain(label);
  });

  it("asks for the boxes by a metric that is there", () => {
    for (const [, name] of text.matchAll(/label_values\((\w+)/g)) expect(parsed.has(name!)).toBe(true);
  });
});
