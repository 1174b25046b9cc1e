import { crc32 } from "./journal-crc.ts";

/**
 * One record of a file that grows at its end, numbers little-endian:
 * ```
 * marker, 4 bytes: the format and its version | body length, u32 | crc32 of length and body, u32
 * body: header length, u32 | header, JSON in UTF-8 | payload
 * ```
 * The marker is for finding records behind damage; a payload may contain it by chance.
 */
export interface RecordFormat<T> {
  readonly marker: Buffer;
  /** Undefined for what this version does not write. */
  decode(header: object, payload: Uint8Array): T | undefined;
}

const prefixBytes = 12;
/** Markers looked at behind damage; payloads made of markers must not cost more than this. */
const maxCandidates = 256;

/** The record's bytes in one or two parts; the second is the payload itself, not a copy. */
export function recordParts(marker: Buffer, header: object, payload?: Uint8Array): readonly Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(prefixBytes + 4 + json.length);
  marker.copy(head);
  head.writeUInt32LE(4 + json.length + (payload?.length ?? 0), 4);
  head.writeUInt32LE(json.length, prefixBytes);
  json.copy(head, prefixBytes + 4);
  const parts = payload === undefined ? [head] : [head, payload];
  head.writeUInt32LE(crc32(head.subarray(4, 8), head.subarray(prefixBytes), ...parts.slice(1)), 8);
  return parts;
}

export interface Scan<T> {
  /** In the file's order, up to the first damage, with what each takes on disk; payloads are views into the file's bytes. */
  readonly records: readonly { readonly entry: T; readonly bytes: number }[];
  /** Where the undamaged part ends. */
  readonly goodBytes: number;
  /**
   * `torn`: nothing readable follows, as after a crash during the last append.
   * `corrupt`: records follow the damage, or a record is whole and yet not understood.
   */
  readonly damage: "none" | "torn" | "corrupt";
}

/** Reads as far as the bytes are whole. Never throws, whatever they are. */
export function scanFile<T>(file: Buffer, format: RecordFormat<T>): Scan<T> {
  const records: { entry: T; bytes: number }[] = [];
  let at = 0;
  while (at < file.length) {
    const body = bodyAt(file, at, format.marker);
    const entry = body === undefined ? undefined : decodeBody(body, format);
    if (body === undefined || entry === undefined) {
      const readableFollows = body !== undefined || recordFollows(file, at + 1, format.marker);
      return { records, goodBytes: at, damage: readableFollows ? "corrupt" : "torn" };
    }
    const bytes = prefixBytes + body.length;
    records.push({ entry, bytes });
    at += bytes;
  }
  return { records, goodBytes: at, damage: "none" };
}

/** The body of a whole record that begins at `at`. */
function bodyAt(file: Buffer, at: number, marker: Buffer): Buffer | undefined {
  if (at + prefixBytes > file.length || marker.compare(file, at, at + 4) !== 0) return undefined;
  const end = at + prefixBytes + file.readUInt32LE(at + 4);
  if (end > file.length) return undefined;
  const body = file.subarray(at + prefixBytes, end);
  return crc32(file.subarray(at + 4, at + 8), body) === file.readUInt32LE(at + 8) ? body : undefined;
}

function recordFollows(file: Buffer, from: number, marker: Buffer): boolean {
  let at = from;
  for (let i = 0; i < maxCandidates; i++) {
    at = file.indexOf(marker, at);
    if (at === -1) return false;
    if (bodyAt(file, at, marker) !== undefined) return true;
    at += 1;
  }
  // Not known: what may be records is rather kept aside than cut off.
  return true;
}

function decodeBody<T>(body: Buffer, format: RecordFormat<T>): T | undefined {
  if (body.length < 4) return undefined;
  const headerEnd = 4 + body.readUInt32LE(0);
  if (headerEnd > body.length) return undefined;
  let header: unknown;
  try {
    header = JSON.parse(body.toString("utf8", 4, headerEnd));
  } catch {
    return undefined;
  }
  return typeof header === "object" && header !== null ? format.decode(header, body.subarray(headerEnd)) : undefined;
}
