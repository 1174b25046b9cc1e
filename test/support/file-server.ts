import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface FileServer {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  close(): Promise<void>;
}

/** A server on 127.0.0.1; the handler gets how many requests came before. */
export async function fileServer(handler: Handler): Promise<FileServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method!, path: request.url!, headers: request.headers });
    handler(request, response, seen.length - 1);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export interface ServeOptions {
  readonly etag?: string | undefined;
  /** The connection ends after so many bytes of the body. */
  readonly cutAfter?: number | undefined;
  readonly ignoreRange?: boolean;
  /** Said in place of the true length; null for none. */
  readonly length?: number | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers as a proper server of files does, but for what the options say. */
export function serve(
  file: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  options: ServeOptions = {},
): void {
  const { etag = '"v1"', cutAfter, ignoreRange = false, length, headers } = options;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? NaN);
  const isSame = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  const isPart = !ignoreRange && isSame && !Number.isNaN(from);
  if (isPart && from >= file.length) {
    response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    return;
  }
  const body = isPart ? file.subarray(from) : file;
  const said = length === undefined ? body.length : length;
  response.writeHead(isPart ? 206 : 200, {
    "content-type": "application/octet-stream",
    ...(etag !== "" && { etag }),
    ...(said !== null && { "content-length": said }),
    ...(isPart && { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` }),
    ...headers,
  });
  if (cutAfter === undefined || cutAfter >= body.length) {
    response.end(body, () => {
      // A longer length than there is can only end in a cut.
      if (said !== null && said > body.length) response.destroy();
    });
    return;
  }
  response.write(body.subarray(0, cutAfter), () => response.destroy());
}
