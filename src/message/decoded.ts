import { type ErrorCode, isAppError } from "../kernel/errors.ts";
import { decodeCommand, requestIdOf, type CommandRequest } from "./command.ts";
import { decodeFrame, type FrameContent } from "./frame.ts";
import { decodeLabel } from "./label.ts";
import { rejected, type Rejected } from "./rejected.ts";
import type { Topics } from "./topic.ts";

export interface Frame extends FrameContent {
  readonly kind: "frame";
  readonly camera: string;
}

export interface Label {
  readonly kind: "label";
  readonly camera: string;
  readonly frameId: string;
  readonly label: string;
}

export interface Command {
  readonly kind: "command";
  readonly request: CommandRequest;
}

/** Bad input is data: whatever comes in becomes one of these. */
export type Decoded = Frame | Label | Command | Rejected;

/** One message as it came in. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly properties: ReadonlyMap<string, string>;
}

/** Never throws, whatever the bytes. */
export function decodeMessage(incoming: Incoming, topics: Topics, maxFrameBytes: number): Decoded {
  try {
    return decode(incoming, topics, maxFrameBytes);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return refusal(incoming, topics, error.code, error.message);
  }
}

/** @throws AppError of topic, frame, label or command. */
function decode({ topic, payload, retain, properties }: Incoming, topics: Topics, maxFrameBytes: number): Decoded {
  const parsed = topics.parse(topic);
  switch (parsed.kind) {
    case "frame": {
      const content = decodeFrame(payload, parsed.frameId, properties, maxFrameBytes);
      return { kind: "frame", camera: parsed.camera, ...content };
    }
    case "label":
      return { kind: "label", camera: parsed.camera, frameId: parsed.frameId, label: decodeLabel(payload) };
    case "command": {
      const request = decodeCommand(parsed.name, payload);
      if (!retain) return { kind: "command", request };
      return refusal({ topic, payload, retain, properties }, topics, "command/retained", "the command is retained");
    }
    default:
      return refusal({ topic, payload, retain, properties }, topics, "topic/unknown", "this topic is only published");
  }
}

function refusal({ topic, payload }: Incoming, topics: Topics, code: ErrorCode, detail: string): Rejected {
  const [kind, name = ""] = topic.split("/").slice(-2);
  const answer = kind === "command" && code.startsWith("command/") ? { name, requestId: requestIdOf(payload) } : null;
  const frameId = frameIdIn(topic, topics);
  return rejected({
    camera: topics.cameraOf(topic),
    code,
    detail,
    topic,
    ...(frameId !== null && { frameId }),
    answer,
  });
}

function frameIdIn(topic: string, topics: Topics): string | null {
  try {
    const parsed = topics.parse(topic);
    return parsed.kind === "frame" || parsed.kind === "label" ? parsed.frameId : null;
  } catch {
    return null;
  }
}
