import type { JournalEntry, LabelKey } from "../stream/parts.ts";
import { crc32 } from "./journal-crc.ts";

/**
 * One entry on disk, numbers little-endian:
 * ```
 * marker "L2J" and the format's version, 4 bytes | body length, u32 | crc32 of length and body, u32
 * body: header length, u32 | header, JSON in UTF-8 (the entry without its frame) | the frame's bytes
 * ```
 * The marker is for finding records behind damage; a frame may contain it by chance.
 */
const marker = Buffer.from("L2J\x01", "latin1");
const prefixBytes = 12;
/** Markers looked at behind damage; frames made of markers must not cost more than this. */
const maxCandidates = 256;

/** The record's bytes in one or two parts; the second is the entry's own frame, not a copy. */
export function encodeRecord(entry: JournalEntry): readonly Uint8Array[] {
  const { frame, ...rest } = "frame" in entry ? entry : { ...entry, frame: undefined };
  const json = Buffer.from(JSON.stringify(frame === undefined ? rest : { ...rest, frame: true }));
  const head = Buffer.alloc(prefixBytes + 4 + json.length);
  marker.copy(head);
  head.writeUInt32LE(4 + json.length + (frame?.length ?? 0), 4);
  head.writeUInt32LE(json.length, prefixBytes);
  json.copy(head, prefixBytes + 4);
  const parts = frame === undefined ? [head] : [head, frame];
  head.writeUInt32LE(crc32(head.subarray(4, 8), head.subarray(prefixBytes), ...parts.slice(1)), 8);
  return parts;
}

export interface JournalRecord {
  readonly entry: JournalEntry;
  /** What it takes on disk. */
  readonly bytes: number;
}

export interface Scan {
  /** In the file's order, up to the first damage; frames are views into the file's bytes. */
  readonly records: readonly JournalRecord[];
  /** Where the undamaged part ends. */
  readonly goodBytes: number;
  /**
   * `torn`: nothing readable follows, as after a crash during the last append.
   * `corrupt`: records follow the damage, or a record is whole and yet not understood.
   */
  readonly damage: "none" | "torn" | "corrupt";
}

/** Reads as far as the bytes are whole. Never throws, whatever they are. */
export function scanRecords(file: Buffer): Scan {
  const records: JournalRecord[] = [];
  let at = 0;
  while (at < file.length) {
    const body = bodyAt(file, at);
    const entry = body === undefined ? undefined : decodeBody(body);
    if (body === undefined || entry === undefined) {
      const readableFollows = body !== undefined || recordFollows(file, at + 1);
      return { records, goodBytes: at, damage: readableFollows ? "corrupt" : "torn" };
    }
    const bytes = prefixBytes + body.length;
    records.push({ entry, bytes });
    at += bytes;
  }
  return { records, goodBytes: at, damage: "none" };
}

/** The body of a whole record that begins at `at`. */
function bodyAt(file: Buffer, at: number): Buffer | undefined {
  if (at + prefixBytes > file.length || marker.compare(file, at, at + 4) !== 0) return undefined;
  const end = at + prefixBytes + file.readUInt32LE(at + 4);
  if (end > file.length) return undefined;
  const body = file.subarray(at + prefixBytes, end);
  return crc32(file.subarray(at + 4, at + 8), body) === file.readUInt32LE(at + 8) ? body : undefined;
}

function recordFollows(file: Buffer, from: number): boolean {
  let at = from;
  for (let i = 0; i < maxCandidates; i++) {
    at = file.indexOf(marker, at);
    if (at === -1) return false;
    if (bodyAt(file, at) !== undefined) return true;
    at += 1;
  }
  // Not known: what may be records is rather kept aside than cut off.
  return true;
}

/** Undefined for what this version does not write. */
function decodeBody(body: Buffer): JournalEntry | undefined {
  if (body.length < 4) return undefined;
  const headerEnd = 4 + body.readUInt32LE(0);
  if (headerEnd > body.length) return undefined;
  let header: unknown;
  try {
    header = JSON.parse(body.toString("utf8", 4, headerEnd));
  } catch {
    return undefined;
  }
  if (typeof header !== "object" || header === null) return undefined;
  return entryOf(header, body.subarray(headerEnd));
}

function entryOf(header: object, frame: Uint8Array): JournalEntry | undefined {
  const { kind, camera, frameId, label, receivedAt, poolVersion, labels, code, frame: hasFrame } = header as Fields;
  if (kind === "batch") {
    if (typeof poolVersion !== "number" || !Array.isArray(labels) || !labels.every(isKey)) return undefined;
    return { kind, poolVersion, labels };
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
