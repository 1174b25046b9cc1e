import { appError, isAppError } from "../kernel/errors.ts";
import { checkLabel } from "./label.ts";
import { isId } from "./topic.ts";

/** What a frame message says besides its camera. */
export interface FrameContent {
  /** JPEG, PNG or WebP bytes as they came; whether they are an image is found out when they are decoded. */
  readonly bytes: Uint8Array;
  /** Null when neither topic nor properties name it: the node then gives one. */
  readonly frameId: string | null;
  /** ISO 8601 in UTC; null when the sender did not say. */
  readonly capturedAt: string | null;
  /** Null when the frame came without one. */
  readonly label: string | null;
}

/**
 * A frame's payload and MQTT 5 user properties `frameId`, `capturedAt`, `label`; others are ignored.
 * Size is checked before anything else.
 * @throws AppError `frame/empty`, `frame/too-large`, `frame/bad-property`
 */
export function decodeFrame(
  payload: Uint8Array,
  topicFrameId: string | null,
  properties: ReadonlyMap<string, string>,
  maxFrameBytes: number,
): FrameContent {
  if (payload.length === 0) throw appError("frame/empty", "the payload has no bytes");
  if (payload.length > maxFrameBytes) {
    throw appError("frame/too-large", `${payload.length} bytes, at most ${maxFrameBytes}`);
  }
  return {
    bytes: payload,
    frameId: frameIdOf(topicFrameId, properties.get("frameId")),
    capturedAt: capturedAtOf(properties.get("capturedAt")),
    label: labelOf(properties.get("label")),
  };
}

/** INVARIANT: one frame has one id; a label could otherwise join the wrong image. */
function frameIdOf(fromTopic: string | null, fromProperty: string | undefined): string | null {
  if (fromProperty === undefined) return fromTopic;
  if (!isId(fromProperty)) throw appError("frame/bad-property", "frameId is no valid id");
  if (fromTopic !== null && fromTopic !== fromProperty) {
    throw appError("frame/bad-property", "frameId differs from the id in the topic");
  }
  return fromProperty;
}

const iso8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

function capturedAtOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const ms = iso8601.test(text) ? Date.parse(text.replace(",", ".")) : Number.NaN;
  if (Number.isNaN(ms)) throw appError("frame/bad-property", "capturedAt is no ISO 8601 date and time with a zone");
  return new Date(ms).toISOString();
}

function labelOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  try {
    return checkLabel(text);
  } catch (cause) {
    if (!isAppError(cause)) throw cause;
    throw appError("frame/bad-property", `label: ${cause.message}`, { cause });
  }
}
