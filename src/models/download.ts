import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type AppError, appError, isAppError } from "../kernel/errors.ts";
import type { Receipt } from "./answer-headers.ts";
import { receive, type ReceiveOptions, Transient } from "./receive.ts";
import type { PartFile } from "./part-file.ts";

export interface DownloadOptions extends ReceiveOptions {
  /** Of the whole file, where it is known: the catalogue's, or that of an earlier pull. */
  readonly sha256?: string | undefined;
  /** Waits before each new try, in ms; as many tries as there are waits may come to nothing one after another. */
  readonly retryDelaysMs: readonly number[];
  /** Told before each wait. */
  readonly onRetry?: ((fault: AppError, waitMs: number) => void) | undefined;
}

export interface Downloaded {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What the hub says that the file's sha256 is, where it says so. */
  readonly hubSha256?: string | undefined;
  /** The hub's commit. */
  readonly revision?: string | undefined;
}

/** However little each brings. */
const maxTries = 100;

/**
 * Brings a .safetensors file into the part: goes on where an earlier try ended, tries again where that helps, and
 * checks size and hash. The part stays where it can be gone on with, and goes where it cannot.
 * @throws AppError `download/…`
 */
export async function download(part: PartFile, options: DownloadOptions): Promise<Downloaded> {
  const receipt = await persistently(part, options);
  const sizeBytes = await part.size();
  const sha256 = await hashFile(part.path);
  for (const [expected, who] of [
    [options.sha256, "expected is"],
    [receipt.hubSha256, "the hub says"],
  ]) {
    if (expected === undefined || expected === sha256) continue;
    await part.discard();
    throw appError("download/hash", `sha256 is ${sha256}, ${who} ${expected}`);
  }
  return { ...receipt, sha256, sizeBytes };
}

async function persistently(part: PartFile, options: DownloadOptions): Promise<Receipt> {
  let inVain = 0;
  for (let tries = 1; ; tries++) {
    const before = await part.size();
    try {
      return await receive(part, options);
    } catch (error) {
      const again = error instanceof Transient;
      const fault = again ? error.fault : error;
      if (!isAppError(fault) || (!again && fault.code !== "download/unreachable")) throw fault;
      if ((await part.size()) > before) inVain = 0;
      const delayMs = options.retryDelaysMs[inVain++];
      if (delayMs === undefined || tries >= maxTries) throw fault;
      const waitMs = Math.max(delayMs, again ? error.waitMs : 0);
      options.onRetry?.(fault, waitMs);
      await sleep(waitMs);
    }
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
