import { map, type OperatorFunction } from "rxjs";
import type { Clock } from "../kernel/clock.ts";
import type { CommandRequest } from "../message/command.ts";
import { decodeMessage } from "../message/decoded.ts";
import type { Topics } from "../message/topic.ts";
import { holdFrame } from "./frame-window.ts";
import type { Arrival, ArrivedFrame, Refused } from "./outcome.ts";
import type { LabelKey, RawMessage } from "./parts.ts";
import type { StreamSettings } from "./settings.ts";

export interface ArrivedLabel extends Arrival {
  readonly kind: "label";
  readonly key: LabelKey;
}

export interface ArrivedCommand {
  readonly kind: "command";
  readonly request: CommandRequest;
}

export type Arrived = ArrivedFrame | ArrivedLabel | ArrivedCommand | Refused;

export interface DecodeOptions {
  readonly topics: Topics;
  readonly clock: Clock;
  readonly settings: Pick<StreamSettings, "maxFrameBytes" | "labelWindowMs">;
  /** An id for a frame that came without one. */
  readonly nextFrameId: () => string;
}

/**
 * Bad input is data: every message becomes one value, and no payload ends the stream.
 * ```
 * // in   -m-x-m--|
 * // out  -F-R-L--|   x became a Refused
 * ```
 */
export function decode(options: DecodeOptions): OperatorFunction<RawMessage, Arrived> {
  return map((raw) => arrived(raw, options));
}

function arrived(raw: RawMessage, { topics, clock, settings, nextFrameId }: DecodeOptions): Arrived {
  const { topic, receivedAt, qos } = raw;
  const settle = (): void => raw.settle();
  const arrival = { topic, receivedAt, qos, settle };
  const decoded = decodeMessage(raw, topics, settings.maxFrameBytes);
  switch (decoded.kind) {
    case "frame": {
      const { camera, bytes, capturedAt, label } = decoded;
      const content = { camera, frameId: decoded.frameId ?? nextFrameId(), bytes, capturedAt };
      const frame = holdFrame(content, clock, settings.labelWindowMs);
      return { kind: "frame", frame, label, arrivedMs: frame.arrivedMs, ...arrival };
    }
    case "label": {
      const { camera, frameId, label } = decoded;
      return { kind: "label", key: { camera, frameId, label }, ...arrival };
    }
    case "command":
      // Settled before it runs: a restore must never run twice. A sender without a reply asks again.
      settle();
      return { kind: "command", request: decoded.request };
    case "rejected":
      return { kind: "rejected", rejected: decoded, settle };
  }
}

/** Ids that no other run gives: a clock may stand still or jump back between two starts, so chance makes the prefix. */
export function frameIds(prefix: string = globalThis.crypto.randomUUID().slice(0, 13)): () => string {
  let given = 0;
  return () => `${prefix}-${++given}`;
}
