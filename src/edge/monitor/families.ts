import type {
  Accuracy,
  BoxTelemetry,
  Percentiles,
  PipelineTelemetry,
  QueueTelemetry,
  SourceTelemetry,
} from "../../message/telemetry.ts";
import type { Health } from "./health.ts";
import type { Family, Sample } from "./text-format.ts";

/**
 * Telemetry as Prometheus wants it: base units, counters that end in `_total`, rates left to its `rate()`. What a label
 * tells apart is bounded by this product (heads, reasons, error codes); what people name, labels and cameras, is only counted.
 */
export function telemetryFamilies(telemetry: PipelineTelemetry, box: BoxTelemetry | undefined): Family[] {
  return [...work(telemetry), ...learning(telemetry), ...stores(telemetry), ...(box === undefined ? [] : machine(box))];
}

export function healthFamilies(health: Health): Family[] {
  return [
    gauge("l2p_healthy", "1 while work advances, by the judge of the watchdog.", Number(health.healthy)),
    gauge("l2p_ready", "1 while it is online, healthy and has a broker.", Number(health.ready)),
    gauge(
      "l2p_broker_connected",
      "1 while both connections to the broker are up.",
      Number(health.broker === "connected"),
    ),
  ];
}

function work({ at, totals, drift, drops, rejected, latencyMs }: PipelineTelemetry): Family[] {
  return [
    gauge("l2p_telemetry_timestamp_seconds", "When these numbers were taken, Unix time.", Date.parse(at) / 1000),
    counter("l2p_frames_total", "Frames received.", totals.frames),
    counter("l2p_predictions_total", "Frames predicted.", totals.predictions),
    counter("l2p_unknown_total", "Frames unlike anything learned.", totals.unknown),
    counter("l2p_asked_total", "Frames that asked for their labels.", totals.asked),
    counter("l2p_learned_total", "Labels learned.", totals.learned),
    counter("l2p_corrections_total", "Labels learned that corrected another.", totals.corrections),
    counter("l2p_duplicates_total", "Labels that came again and were not learned twice.", totals.duplicates),
    counter("l2p_replayed_total", "Labels learned again from the journal after a restart.", totals.replayed),
    family(
      "l2p_drift_signals_total",
      "counter",
      "Alarms of the drift detectors, by what they watch.",
      by("watch", { error: drift.error, similarity: drift.similarity }),
    ),
    counter("l2p_rollbacks_total", "Times that the learner went back to an earlier state by itself.", drift.rollbacks),
    family(
      "l2p_dropped_total",
      "counter",
      "Frames not predicted, or no longer waiting, by reason.",
      by("reason", drops),
    ),
    family("l2p_rejected_total", "counter", "Messages refused, by error code.", by("code", rejected)),
    quantiles("l2p_prediction_latency_seconds", "From a frame's receipt to its prediction.", latencyMs.prediction),
    quantiles("l2p_learning_latency_seconds", "From a label's receipt until it is learned.", latencyMs.learning),
  ];
}

function learning(telemetry: PipelineTelemetry): Family[] {
  const { poolVersion, paused, accuracy, plasticity, classCounts, promptUse, combination } = telemetry;
  const heads = (["combined", "prompted", "statistics"] as const).flatMap((head) => spans(head, accuracy[head]));
  return [
    gauge("l2p_pool_version", "Batches learned, ever.", poolVersion),
    gauge("l2p_learning_paused", "1 while learning is paused.", Number(paused)),
    family("l2p_accuracy_ratio", "gauge", "Prequential accuracy of a head, 0 to 1, over a span of samples.", heads),
    gauge(
      "l2p_accuracy_samples",
      "Samples judged, ever; after a crash, as many as its checkpoint knew.",
      accuracy.samples,
    ),
    family("l2p_head_weight_ratio", "gauge", "Weight of a head in the answer, 0 to 1.", by("head", combination)),
    gauge(
      "l2p_plasticity_ratio",
      "What the learning rate is multiplied by: above 1 for a while after a drift.",
      plasticity,
    ),
    gauge("l2p_labels", "Different labels learned.", Object.keys(classCounts).length),
    gauge("l2p_prompts", "Prompts in the pool.", promptUse.length),
    gauge("l2p_prompts_used", "Prompts that were selected at least once.", promptUse.filter((use) => use > 0).length),
  ];
}

function stores({ waiting }: PipelineTelemetry): Family[] {
  return [
    gauge("l2p_labels_without_frame", "Labels whose frame has not come.", waiting.labels),
    gauge("l2p_labels_pending", "Labels taken and not learned yet.", waiting.pending),
    gauge("l2p_window_frames", "Frames that wait for their labels.", waiting.windowFrames),
    gauge("l2p_window_bytes", "Their bytes.", waiting.windowBytes),
    gauge("l2p_journal_bytes", "The journal on disk.", waiting.journalBytes),
  ];
}

function machine({
  engine,
  provider,
  memoryBytes,
  temperatureC,
  uptimeS,
  mqtt,
  queue,
  sources,
}: BoxTelemetry): Family[] {
  const temperature = temperatureC === null ? [] : [{ value: temperatureC }];
  return [
    family("l2p_engine_info", "gauge", "Which engine and provider really run.", [
      { labels: { engine, provider }, value: 1 },
    ]),
    gauge("process_resident_memory_bytes", "Resident memory of the process.", memoryBytes),
    gauge("l2p_uptime_seconds", "Since the process began.", uptimeS),
    family("l2p_temperature_celsius", "gauge", "Of the machine, where it can be read.", temperature),
    gauge("l2p_mqtt_outbox_messages", "QoS 1 messages that wait in memory for the broker.", mqtt.outboxMessages),
    gauge("l2p_mqtt_outbox_bytes", "Their bytes.", mqtt.outboxBytes),
    counter(
      "l2p_mqtt_outbox_dropped_total",
      "QoS 1 messages lost: the outbox was full, or the broker refused them.",
      mqtt.outboxDropped,
    ),
    counter("l2p_mqtt_unsent_total", "QoS 0 messages not sent: no broker, or a slow one.", mqtt.unsentQos0),
    ...(queue === undefined ? [] : queued(queue)),
    ...(sources === undefined ? [] : pulled(Object.values(sources))),
  ];
}

function pulled(sources: readonly SourceTelemetry[]): Family[] {
  const states = Object.fromEntries(
    (["starting", "running", "failing", "ended", "closed"] as const).map((state) => [
      state,
      sources.filter((source) => source.state === state).length,
    ]),
  );
  const sum = (of: (source: SourceTelemetry) => number): number => sources.reduce((all, one) => all + of(one), 0);
  return [
    family("l2p_sources", "gauge", "Cameras that the node pulls frames from, by state.", by("state", states)),
    counter(
      "l2p_source_frames_total",
      "Frames that they gave.",
      sum(({ frames }) => frames),
    ),
    counter(
      "l2p_source_restarts_total",
      "Times that one was started again.",
      sum(({ restarts }) => restarts),
    ),
  ];
}

function queued({ messages, bytes, dropped }: QueueTelemetry): Family[] {
  return [
    gauge("l2p_queue_messages", "Results on disk that wait for the broker.", messages),
    gauge("l2p_queue_bytes", "The queue on disk.", bytes),
    counter("l2p_queue_dropped_total", "Results lost: the queue was full, or the broker refused them.", dropped),
  ];
}

function family(name: string, type: Family["type"], help: string, samples: readonly Sample[]): Family {
  return { name, type, help, samples };
}

function gauge(name: string, help: string, value: number): Family {
  return family(name, "gauge", help, [{ value }]);
}

function counter(name: string, help: string, value: number): Family {
  return family(name, "counter", help, [{ value }]);
}

function by(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function spans(head: string, accuracy: Accuracy): Sample[] {
  return Object.entries(accuracy).flatMap(([span, value]) =>
    typeof value === "number" ? [{ labels: { head, span }, value }] : [],
  );
}

/** Of the latest samples, not of all: without `_sum` and `_count`. */
function quantiles(name: string, help: string, latency: Percentiles | null): Family {
  const samples = quantileNames.map(([quantile, key]) => ({
    labels: { quantile },
    value: (latency?.[key] ?? NaN) / 1000,
  }));
  return family(name, "summary", help, latency === null ? [] : samples);
}

const quantileNames = [
  ["0.5", "p50"],
  ["0.9", "p90"],
  ["0.99", "p99"],
  ["1", "max"],
] as const;
