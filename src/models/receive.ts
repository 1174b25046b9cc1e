import type { IncomingHttpHeaders } from "node:http";
import { type AppError, appError } from "../kernel/errors.ts";
import type { Body } from "./body.ts";
import { hubReceipt, rangeStart, type Receipt, strongValidator, totalBytes } from "./answer-headers.ts";
import { type Answer, get, type GetOptions } from "./http.ts";
import { expectRoom, type PartFile, raiseDisk } from "./part-file.ts";
import { looksLikeWeights, wholeSize } from "./whole-size.ts";

export interface ReceiveOptions extends Omit<GetOptions, "headers"> {
  readonly url: URL;
  /** Of the whole file, where it is known. */
  readonly sizeBytes?: number | undefined;
  /** Nothing larger is taken. */
  readonly maxBytes: number;
  readonly onProgress?: ((done: number, total: number | undefined) => void) | undefined;
}

/** What another try may heal. */
export class Transient extends Error {
  readonly fault: AppError;
  readonly waitMs: number;

  constructor(fault: AppError, waitMs: number = 0) {
    super(fault.message);
    this.fault = fault;
    this.waitMs = waitMs;
  }
}

/**
 * One try: asks for what the part lacks, and writes what comes. Resolves when the part is as long as server and
 * safetensors header say.
 * @throws Transient, AppError
 */
export async function receive(part: PartFile, options: ReceiveOptions): Promise<Receipt> {
  const { url } = options;
  const validator = await part.validator(url.href);
  const have = validator === undefined ? 0 : await part.size();
  const answer = await get(url, {
    ...options,
    headers: {
      "user-agent": "l2p-edge",
      accept: "application/octet-stream, */*;q=0.5",
      // Ranges and lengths must be those of the file itself.
      "accept-encoding": "identity",
      // [RFC 9110 13.1.5] the rest if it is still the same file, else all of it.
      ...(validator !== undefined && { range: `bytes=${have}-`, "if-range": validator }),
    },
  });
  try {
    return await take(part, { have, validator }, answer, options);
  } finally {
    answer.body.destroy();
  }
}

/** What of the file is there, and by what it can be gone on with. */
interface Kept {
  readonly have: number;
  readonly validator: string | undefined;
}

async function take(part: PartFile, kept: Kept, answer: Answer, options: ReceiveOptions): Promise<Receipt> {
  const { headers, status } = answer;
  const { have } = kept;
  const receipt = hubReceipt([...answer.hops, headers]);
  if (status === 416) {
    await settle(part, have, headers);
    return receipt;
  }
  if (status !== 200 && status !== 206) throw refusal(status, headers, options.url);
  expectWeights(headers, options.url);

  const start = status === 206 ? rangeStart(headers) : 0;
  // [RFC 9110 15.3.7] a part says of which file it is.
  const asked = kept.validator?.startsWith('"') ? kept.validator : undefined;
  const isOther = start !== 0 && asked !== undefined && (headers.etag ?? asked) !== asked;
  if (start !== 0 && (start !== have || isOther)) {
    await part.discard();
    const text = isOther ? "the file changed meanwhile" : `asked for bytes from ${have}, the answer begins at ${start}`;
    throw new Transient(appError("download/refused", text));
  }
  const total = totalBytes(headers, start);
  const known = options.sizeBytes ?? receipt.sizeBytes;
  if (known !== undefined && total !== undefined && total !== known) {
    throw appError("download/size", `the server has ${total} bytes, expected are ${known}`);
  }
  await expectRoom(part, (total ?? 0) - start);
  if (start === 0) await part.begin(options.url.href, strongValidator(headers));
  await write(part, start, answer, { ...options, total: total ?? known });
  await expectWhole(part, total);
  return receipt;
}

/** [RFC 9110 15.5.17] the server has no bytes behind ours: they are all, or of something else. */
async function settle(part: PartFile, have: number, headers: IncomingHttpHeaders): Promise<void> {
  const served = /^bytes \*\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
  const whole = (await wholeSize(part.path)) ?? have;
  if (Number(served) === have && whole === have) return;
  await part.discard();
  if (Number(served) !== have) throw new Transient(appError("download/cut-short", "what was kept is another file's"));
  throw appError("download/size", `the server has ${have} bytes, the file's header describes ${whole}`);
}

async function write(
  part: PartFile,
  start: number,
  { body }: Answer,
  options: ReceiveOptions & { readonly total: number | undefined },
): Promise<void> {
  const { total, maxBytes, onProgress } = options;
  let done = start;
  let head = Buffer.alloc(0);
  const file = await part.append();
  try {
    for await (const chunk of chunksOf(body)) {
      if (start === 0 && head.length < 9) {
        head = Buffer.concat([head, chunk.subarray(0, 9)]);
        if (!looksLikeWeights(head)) throw appError("download/not-weights", `${options.url.host} sends something else`);
      }
      if (done + chunk.length > (options.sizeBytes ?? maxBytes)) {
        throw appError("download/size", `more than ${options.sizeBytes ?? maxBytes} bytes come`);
      }
      await file.appendFile(chunk).catch((error: unknown) => raiseDisk(error, part.path));
      done += chunk.length;
      onProgress?.(done, total);
    }
  } catch (error) {
    const { code } = error as AppError;
    if (code === "download/not-weights" || code === "download/size") await part.discard();
    throw error;
  } finally {
    await file.close();
  }
}

async function* chunksOf(body: Body): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (cause) {
    const text = `the connection ended: ${(cause as Error).message}`;
    throw new Transient(appError("download/cut-short", text, { cause }));
  }
}

/** @param served What the server says that the whole file has. */
async function expectWhole(part: PartFile, served: number | undefined): Promise<void> {
  const size = await part.size();
  const whole = await wholeSize(part.path);
  if (size < Math.max(served ?? 0, whole ?? 0)) {
    const text = `${size} of ${Math.max(served ?? 0, whole ?? 0)} bytes came`;
    throw new Transient(appError("download/cut-short", text));
  }
  if (whole !== undefined && size > whole) {
    await part.discard();
    throw appError("download/size", `${size} bytes came, the file's header describes ${whole}`);
  }
}

function expectWeights(headers: IncomingHttpHeaders, url: URL): void {
  const type = headers["content-type"] ?? "";
  if (/^text\/html\b/i.test(type)) throw appError("download/not-weights", `${url.host} answers with a web page`);
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw appError("download/refused", `${url.host} sends it encoded as ${encoding}`);
}

function refusal(status: number, headers: IncomingHttpHeaders, url: URL): Error {
  const text = `${url.host} answers ${status} for ${url.pathname}`;
  if (status === 401 || status === 403) return appError("download/denied", text);
  if (status === 404 || status === 410) return appError("download/not-found", text);
  const fault = appError("download/refused", text);
  if (status !== 408 && status !== 429 && status < 500) return fault;
  const seconds = Number(headers["retry-after"] ?? 0);
  return new Transient(fault, Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 120) * 1000 : 0);
}
