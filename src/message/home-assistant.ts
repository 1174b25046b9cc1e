import type { Topics } from "./topic.ts";

export interface HomeAssistantDevice {
  readonly base: string;
  readonly topics: Topics;
  /** The backbone's name. */
  readonly model: string;
  /** Of this product. */
  readonly version: string;
  /** Whose predictions are shown. */
  readonly cameras: readonly string[];
}

/** The retained topic that tells Home Assistant of a node; its id may hold `A–Z a–z 0–9 _ -` alone. */
export function discoveryTopic(prefix: string, base: string, node: string): string {
  return `${prefix}/device/${idOf(base, node)}/config`;
}

/**
 * Home Assistant's device discovery message (2024.11 and newer): one device with all of its entities, read from the
 * topics that are there anyway.
 */
export function discoveryMessage({ base, topics, model, version, cameras }: HomeAssistantDevice): object {
  const id = idOf(base, topics.node);
  const components = [
    ...sensors,
    ...buttons.map(
      ([key, name, icon]) =>
        [key, { p: "button", name, icon, command_topic: topics.command(key), payload_press: "{}", qos: 1 }] as const,
    ),
    ...cameras.map(
      (camera) =>
        [
          `prediction_${camera}`,
          {
            p: "sensor",
            name: `Seen by ${camera}`,
            icon: "mdi:eye",
            state_topic: topics.prediction(camera),
            value_template: "{{ value_json.label }}",
            json_attributes_topic: topics.prediction(camera),
            json_attributes_template:
              "{{ {'confidence': value_json.confidence, 'frameId': value_json.frameId, 'unknown': value_json.unknown, 'wantsLabel': value_json.wantsLabel} | tojson }}",
          },
        ] as const,
    ),
  ];
  return {
    dev: { ids: [id], name: topics.node, mf: "l2p-edge", mdl: model, sw: version },
    o: { name: "l2p-edge", sw: version },
    state_topic: topics.telemetry,
    availability: [{ topic: topics.status, value_template: "{{ 'online' if value == 'online' else 'offline' }}" }],
    cmps: Object.fromEntries(components.map(([key, rest]) => [key, { ...rest, unique_id: `${id}_${key}` }])),
  };
}

function idOf(base: string, node: string): string {
  return `l2p-edge_${base}_${node}`.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}

const diagnostic = { p: "sensor", entity_category: "diagnostic" };
const measured = { ...diagnostic, state_class: "measurement" };
const counted = { ...diagnostic, state_class: "total_increasing" };

/** All read telemetry, the shared `state_topic`. `none` becomes Home Assistant's `unknown`. */
const sensors = [
  [
    "accuracy",
    {
      p: "sensor",
      name: "Accuracy",
      icon: "mdi:bullseye-arrow",
      unit_of_measurement: "%",
      state_class: "measurement",
      value_template:
        "{% set share = value_json.accuracy.combined.windowed %}{{ (share * 100) | round(1) if share is number else none }}",
    },
  ],
  [
    "paused",
    { p: "binary_sensor", name: "Learning paused", value_template: "{{ 'ON' if value_json.paused else 'OFF' }}" },
  ],
  [
    "labels",
    {
      ...measured,
      name: "Labels known",
      icon: "mdi:label-multiple",
      value_template: "{{ value_json.classCounts | length }}",
    },
  ],
  [
    "learned",
    { ...counted, name: "Labels learned", icon: "mdi:school", value_template: "{{ value_json.totals.learned }}" },
  ],
  [
    "pending",
    { ...measured, name: "Labels waiting", icon: "mdi:timer-sand", value_template: "{{ value_json.waiting.pending }}" },
  ],
  [
    "drift",
    {
      ...counted,
      name: "Drift signals",
      icon: "mdi:chart-bell-curve",
      value_template: "{{ value_json.totals.driftSignals }}",
    },
  ],
  [
    "frames",
    {
      ...measured,
      name: "Frames",
      icon: "mdi:camera-burst",
      unit_of_measurement: "fps",
      value_template: "{{ value_json.rates.framesPerSecond | round(2) }}",
    },
  ],
  [
    "latency",
    {
      ...measured,
      name: "Latency",
      device_class: "duration",
      unit_of_measurement: "ms",
      value_template:
        "{{ value_json.latencyMs.prediction.p50 | round(1) if value_json.latencyMs.prediction else none }}",
    },
  ],
  [
    "memory",
    {
      ...measured,
      name: "Memory",
      device_class: "data_size",
      unit_of_measurement: "B",
      value_template: "{{ value_json.box.memoryBytes }}",
    },
  ],
  [
    "temperature",
    {
      ...measured,
      name: "Temperature",
      device_class: "temperature",
      unit_of_measurement: "°C",
      value_template: "{{ value_json.box.temperatureC }}",
    },
  ],
] as const;

/** Commands without arguments. */
const buttons = [
  ["pause-learning", "Pause learning", "mdi:pause"],
  ["resume-learning", "Resume learning", "mdi:play"],
  ["snapshot", "Write a snapshot", "mdi:content-save"],
] as const;
