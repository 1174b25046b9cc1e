import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";

/** An IP camera that streams JPEGs over HTTP. */
export interface MjpegCamera {
  readonly url: string;
  /** `Authorization` of each request. */
  readonly asked: (string | undefined)[];
  /** It sends nothing more, and keeps the connections. */
  stall(): void;
  /** Ends every connection; new ones are served again. */
  breakOff(): void;
  close(): Promise<void>;
}

/** Sends `picture` 20 times a second to whoever comes; with `authorization`, only to who knows it. */
export async function mjpegCamera(picture: Uint8Array, authorization?: string): Promise<MjpegCamera> {
  const asked: (string | undefined)[] = [];
  const watching = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="camera"' }).end();
      return;
    }
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=next" });
    watching.add(response);
    response.on("close", () => watching.delete(response));
  });
  let stalled = false;
  const timer = setInterval(() => {
    for (const response of stalled ? [] : watching) {
      response.write(`--next\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`);
      response.write(picture);
      response.write("\r\n");
    }
  }, 50);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    asked,
    stall: () => void (stalled = true),
    breakOff() {
      stalled = false;
      server.closeAllConnections();
    },
    async close() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An RTSP server that passes on, over TCP, what one sender announces to whoever plays it: enough for ffmpeg at both ends. */
export interface RtspRelay {
  readonly port: number;
  /** The first line and the `Transport` of each request of a player. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function rtspRelay(): Promise<RtspRelay> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const players = new Set<Socket>();
  let description = "";

  function answer(socket: Socket, method: string, head: string, body: string): void {
    const header = (name: string): string => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
    if (method === "ANNOUNCE") description = body;
    const content = method === "DESCRIBE" ? description : "";
    const lines = ["RTSP/1.0 200 OK", `CSeq: ${header("CSeq")}`, "Session: 1"];
    if (method === "OPTIONS") lines.push("Public: ANNOUNCE, DESCRIBE, SETUP, PLAY, RECORD, TEARDOWN");
    if (method === "SETUP") lines.push(`Transport: ${header("Transport")}`);
    if (content !== "") lines.push("Content-Type: application/sdp", `Content-Length: ${content.length}`);
    socket.write(`${lines.join("\r\n")}\r\n\r\n${content}`);
    if (method === "PLAY") players.add(socket);
  }

  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      players.delete(socket);
    });
    socket.on("error", () => {});
    let sends = false;
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        if (rest[0] === 0x24) {
          // An interleaved packet: $, channel, length (RFC 2326, 10.12).
          const length = rest.length < 4 ? Infinity : 4 + rest.readUInt16BE(2);
          if (rest.length < length) return;
          if (sends) for (const player of players) player.write(rest.subarray(0, length));
          rest = rest.subarray(length);
          continue;
        }
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = rest.toString("latin1", 0, end);
        const length = Number(/^Content-Length: (\d+)/im.exec(head)?.[1] ?? 0);
        if (rest.length < end + 4 + length) return;
        const [first = ""] = head.split("\r\n", 1);
        const method = first.split(" ", 1)[0]!;
        if (method === "ANNOUNCE") sends = true;
        if (!sends) asked.push(`${first} ${/^Transport: (.*)$/im.exec(head)?.[1] ?? ""}`.trim());
        answer(socket, method, head, rest.toString("latin1", end + 4, end + 4 + length));
        rest = rest.subarray(end + 4 + length);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
