import { appError } from "../../kernel/errors.ts";

/** Of one part: its boundary, type and length take about 70 bytes. */
const maxHeaderBytes = 512;
const headerEnd = Buffer.from("\r\n\r\n");
/** As ffmpeg's `mpjpeg` muxer writes it (libavformat/mpjpeg.c). */
const header = /^(?:\r\n)?--ffmpeg\r\nContent-type: image\/jpeg\r\nContent-length: (\d{1,15})$/i;

/**
 * Cuts ffmpeg's stream of JPEGs (`-f mpjpeg`) into them. Holds at most one picture and the header of the next.
 * @throws AppError `source/garbage`; `source/too-large` before any byte of that picture is kept. Unusable after it.
 */
export function pictureStream(maxPictureBytes: number): (chunk: Uint8Array) => Uint8Array[] {
  let head: Buffer = Buffer.alloc(0);
  let picture: Uint8Array | undefined;
  let filled = 0;

  /** @returns how many bytes of the chunk the header took. */
  function readHeader(chunk: Uint8Array): number {
    const before = head.length;
    head = Buffer.concat([head, chunk.subarray(0, maxHeaderBytes)]);
    const end = head.indexOf(headerEnd);
    if (end < 0) {
      if (head.length >= maxHeaderBytes) throw appError("source/garbage", "a picture has no header");
      return chunk.length;
    }
    const length = Number(header.exec(head.toString("latin1", 0, end))?.[1] ?? 0);
    if (length === 0) throw appError("source/garbage", "a picture's header is not as expected");
    if (length > maxPictureBytes) {
      throw appError("source/too-large", `a picture of ${length} bytes, at most ${maxPictureBytes}`);
    }
    picture = new Uint8Array(length);
    filled = 0;
    head = Buffer.alloc(0);
    return end + headerEnd.length - before;
  }

  return (chunk) => {
    const whole: Uint8Array[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (picture === undefined) {
        rest = rest.subarray(readHeader(rest));
        continue;
      }
      const part = rest.subarray(0, picture.length - filled);
      picture.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
      if (filled < picture.length) break;
      whole.push(picture);
      picture = undefined;
    }
    return whole;
  };
}
