import { appError } from "../kernel/errors.ts";

/** A topic of the product, taken apart. */
export type Topic =
  | { readonly kind: "frame"; readonly camera: string; readonly frameId: string | null }
  | { readonly kind: "label"; readonly camera: string; readonly frameId: string }
  | { readonly kind: "prediction" | "learned"; readonly camera: string }
  | { readonly kind: "rejected"; readonly camera: string | null }
  | { readonly kind: "status" | "telemetry" | "drift" | "snapshot" | "manifest" | "statistics" }
  | { readonly kind: "command" | "reply"; readonly name: string };

/** Builds and takes apart every topic of one node. Builders throw AppError `topic/bad-id` or `topic/reserved`. */
export interface Topics {
  readonly node: string;
  frame(camera: string, frameId?: string): string;
  label(camera: string, frameId: string): string;
  prediction(camera: string): string;
  learned(camera: string): string;
  /** Without a camera where the camera's name is not valid. */
  rejected(camera: string | null): string;
  readonly status: string;
  readonly telemetry: string;
  readonly drift: string;
  readonly snapshot: string;
  readonly manifest: string;
  readonly statistics: string;
  command(name: string): string;
  reply(name: string): string;
  /** What to subscribe to. Frames and labels have a connection each, so that labels can wait for the disk. */
  readonly filters: {
    readonly frames: readonly string[];
    readonly labels: readonly string[];
    readonly commands: readonly string[];
  };
  /** @throws AppError `topic/unknown`, `topic/bad-id`, `topic/reserved` */
  parse(topic: string): Topic;
  /** The camera a topic speaks of when its name is valid, whatever else is wrong with the topic. */
  cameraOf(topic: string): string | null;
}

const idPattern = /^[A-Za-z0-9._-]{1,64}$/;
const ofNode = ["status", "telemetry", "drift", "snapshot", "statistics"] as const;
const reserved: ReadonlySet<string> = new Set([...ofNode, "command", "reply", "rejected"]);

/** Node, camera, frame and command names: 1–64 of `A–Z a–z 0–9 . _ -`. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** @param base One or more levels, each a valid id, e.g. `l2p` or `plant/hall-2`. @throws AppError `topic/bad-id` */
export function topics(base: string, node: string): Topics {
  for (const level of base.split("/")) checkId(level, "base topic level");
  const root = `${base}/${checkId(node, "node name")}`;
  const ofCamera = (camera: string, rest: string): string => `${root}/${checkCamera(camera)}/${rest}`;

  function levelsOf(topic: string): readonly string[] {
    if (!topic.startsWith(`${root}/`)) throw unknown(topic);
    return topic.slice(root.length + 1).split("/");
  }

  return {
    node,
    frame: (camera, frameId) =>
      ofCamera(camera, frameId === undefined ? "frame" : `frame/${checkId(frameId, "frame id")}`),
    label: (camera, frameId) => ofCamera(camera, `label/${checkId(frameId, "frame id")}`),
    prediction: (camera) => ofCamera(camera, "prediction"),
    learned: (camera) => ofCamera(camera, "learned"),
    rejected: (camera) => (camera === null ? `${root}/rejected` : ofCamera(camera, "rejected")),
    status: `${root}/status`,
    telemetry: `${root}/telemetry`,
    drift: `${root}/drift`,
    snapshot: `${root}/snapshot`,
    manifest: `${root}/snapshot/manifest`,
    statistics: `${root}/statistics`,
    command: (name) => `${root}/command/${checkId(name, "command name")}`,
    reply: (name) => `${root}/reply/${checkId(name, "command name")}`,
    filters: {
      frames: [`${root}/+/frame`, `${root}/+/frame/+`],
      labels: [`${root}/+/label/+`],
      commands: [`${root}/command/+`],
    },
    parse: (topic) => parseLevels(levelsOf(topic), topic),
    cameraOf(topic) {
      if (!topic.startsWith(`${root}/`)) return null;
      const [camera = "", ...rest] = levelsOf(topic);
      return rest.length > 0 && isId(camera) && !reserved.has(camera) ? camera : null;
    },
  };
}

function parseLevels(levels: readonly string[], topic: string): Topic {
  const [first = "", second, third] = levels;
  if (levels.length === 1) {
    const kind = ofNode.find((name) => name === first);
    if (kind !== undefined) return { kind };
    if (first === "rejected") return { kind: "rejected", camera: null };
    throw unknown(topic);
  }
  if (levels.length === 2) {
    if (first === "snapshot" && second === "manifest") return { kind: "manifest" };
    if (first === "command" || first === "reply") return { kind: first, name: checkId(second!, "command name") };
    if (second === "frame") return { kind: "frame", camera: checkCamera(first), frameId: null };
    if (second === "prediction" || second === "learned" || second === "rejected") {
      return { kind: second, camera: checkCamera(first) };
    }
  }
  if (levels.length === 3 && (second === "frame" || second === "label")) {
    return { kind: second, camera: checkCamera(first), frameId: checkId(third!, "frame id") };
  }
  throw unknown(topic);
}

function checkCamera(camera: string): string {
  if (reserved.has(camera)) throw appError("topic/reserved", `${camera} is no camera name`);
  return checkId(camera, "camera name");
}

function checkId(text: string, what: string): string {
  if (!isId(text)) throw appError("topic/bad-id", `${quote(text)} is no valid ${what}`);
  return text;
}

function unknown(topic: string): Error {
  return appError("topic/unknown", `nothing listens on ${quote(topic)}`);
}

/** Hostile text for a message to people: escaped and cut. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
