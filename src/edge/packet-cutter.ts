import { appError } from "../kernel/errors.ts";

const publishType = 3;

/**
 * Bounds MQTT packets before anything buffers them, on 3.1.1 too, which cannot tell the broker a maximum: a PUBLISH
 * above the bound is cut to it (its length field rewritten, the rest skipped as it streams by), so that its receiver
 * still learns the topic, acknowledges it and refuses it by its size.
 * @param maxPacketBytes Largest remaining length [MQTT-2.2.3] that passes uncut.
 * @returns Takes any piece of the byte stream, gives the pieces to go on; shares memory with its input.
 * @throws AppError `mqtt/protocol` for a length field of over 4 bytes, or another packet type above the bound.
 */
export function packetCutter(maxPacketBytes: number): (chunk: Uint8Array) => Uint8Array[] {
  let header: number[] = [];
  let passBytes = 0;
  let skipBytes = 0;

  return (chunk) => {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (passBytes > 0) {
        const part = chunk.subarray(at, at + passBytes);
        parts.push(part);
        passBytes -= part.length;
        at += part.length;
      } else if (skipBytes > 0) {
        const skipped = Math.min(skipBytes, chunk.length - at);
        skipBytes -= skipped;
        at += skipped;
      } else {
        header.push(chunk[at++]!);
        if (header.length === 1 || (header.at(-1)! >= 0x80 && header.length < 5)) continue;
        const length = lengthOf(header);
        passBytes = Math.min(length, maxPacketBytes);
        skipBytes = length - passBytes;
        if (skipBytes > 0 && header[0]! >> 4 !== publishType) {
          throw appError("mqtt/protocol", `a packet of type ${header[0]! >> 4} has ${length} bytes`);
        }
        parts.push(Uint8Array.of(header[0]!, ...lengthField(passBytes)));
        header = [];
      }
    }
    return parts;
  };
}

/** A variable byte integer, 1–4 bytes of 7 bits, lowest first [MQTT-1.5.5]. */
function lengthOf(header: readonly number[]): number {
  if (header.at(-1)! >= 0x80) throw appError("mqtt/protocol", "a packet's length field has over 4 bytes");
  return header.slice(1).reduce((sum, byte, i) => sum + (byte & 0x7f) * 128 ** i, 0);
}

function lengthField(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}
