import type { JournalEntry, LabelKey } from "../stream/parts.ts";
import { recordParts, type Scan, scanFile } from "./record.ts";

/** "L2J" and the format's version. The header is the entry without its frame, the payload the frame's bytes. */
const marker = Buffer.from("L2J\x01", "latin1");

/** The record's bytes in one or two parts; the second is the entry's own frame, not a copy. */
export function encodeRecord(entry: JournalEntry): readonly Uint8Array[] {
  const { frame, ...rest } = "frame" in entry ? entry : { ...entry, frame: undefined };
  return recordParts(marker, frame === undefined ? rest : { ...rest, frame: true }, frame);
}

export type JournalRecord = Scan<JournalEntry>["records"][number];

/** Reads as far as the bytes are whole; frames are views into them. Never throws, whatever they are. */
export function scanRecords(file: Buffer): Scan<JournalEntry> {
  return scanFile(file, { marker, decode: entryOf });
}

/** Undefined for what this version does not write. */
function entryOf(header: object, frame: Uint8Array): JournalEntry | undefined {
  const {
    kind,
    camera,
    frameId,
    label,
    receivedAt,
    poolVersion,
    labels,
    plasticity,
    code,
    frame: hasFrame,
  } = header as Fields;
  if (kind === "batch") {
    if (typeof poolVersion !== "number" || !Array.isArray(labels) || !labels.every(isKey)) return undefined;
    if (plasticity === undefined) return { kind, poolVersion, labels };
    return typeof plasticity === "number" && plasticity > 0 ? { kind, poolVersion, labels, plasticity } : undefined;
  }
  if (typeof camera !== "string" || typeof frameId !== "string") return undefined;
  if (kind === "frame") return { kind, camera, frameId, frame };
  if (typeof label !== "string") return undefined;
  if (kind === "dropped") return typeof code === "string" ? { kind, camera, frameId, label, code } : undefined;
  if (kind !== "label" || typeof receivedAt !== "number") return undefined;
  return { kind, camera, frameId, label, receivedAt, ...(hasFrame === true && { frame }) };
}

type Fields = Readonly<Record<string, unknown>>;

function isKey(value: unknown): value is LabelKey {
  if (typeof value !== "object" || value === null) return false;
  const { camera, frameId, label } = value as Fields;
  return typeof camera === "string" && typeof frameId === "string" && typeof label === "string";
}
