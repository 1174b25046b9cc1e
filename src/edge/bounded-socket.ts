import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { packetCutter } from "./packet-cutter.ts";

/** What a PUBLISH may hold besides its payload: topic, its length, packet id, and user properties. */
const headBytes = 2 + 65_535 + 2 + 65_536;

/** Largest remaining length of a PUBLISH whose payload is at most `maxPayloadBytes`, with one byte to see that it is more. */
export function packetBound(maxPayloadBytes: number): number {
  return headBytes + maxPayloadBytes + 1;
}

/** A socket whose incoming PUBLISH packets are cut to `packetBound(maxPayloadBytes)`; with back-pressure both ways. */
export function boundedSocket(socket: Socket, maxPayloadBytes: number): Duplex {
  const cut = packetCutter(packetBound(maxPayloadBytes));
  const bounded = new Duplex({
    allowHalfOpen: false,
    read: () => void socket.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void socket.write(chunk, done),
    writev(chunks: { chunk: Uint8Array }[], done) {
      // One system call for the small pieces that a packet is written in.
      socket.cork();
      chunks.forEach(({ chunk }, i) => void socket.write(chunk, i === chunks.length - 1 ? done : undefined));
      socket.uncork();
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Uint8Array) => {
    try {
      for (const part of cut(chunk)) if (!bounded.push(part)) socket.pause();
    } catch (error) {
      bounded.destroy(error as Error);
    }
  });
  socket.on("end", () => bounded.push(null));
  socket.on("error", (error) => bounded.destroy(error));
  socket.on("close", () => bounded.destroy());
  return bounded;
}
