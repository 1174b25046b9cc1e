import type { IncomingHttpHeaders } from "node:http";

/** What the hub said beside the bytes. */
export interface Receipt {
  readonly hubSha256?: string | undefined;
  readonly revision?: string | undefined;
}

/** [RFC 9110 14.4] NaN for what is none. */
export function rangeStart(headers: IncomingHttpHeaders): number {
  return Number(/^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(headers["content-range"] ?? "")?.[1]);
}

/** Of the whole file, where the answer says it; `start`: where its bytes begin. */
export function totalBytes(headers: IncomingHttpHeaders, start: number): number | undefined {
  const range = /^bytes \d+-\d+\/(\d+)$/.exec(headers["content-range"] ?? "");
  if (range !== null) return Number(range[1]);
  return headers["content-length"] === undefined ? undefined : start + Number(headers["content-length"]);
}

/** [RFC 9110 13.1.5] a weak ETag does not say that bytes are the same; a date does well enough. */
export function strongValidator(headers: IncomingHttpHeaders): string | undefined {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith("W/") ? etag : headers["last-modified"];
}

/** Hugging Face's hub tells of a large file in the answer that redirects to it (huggingface_hub/file_download.py). */
export function hubReceipt(
  answers: readonly IncomingHttpHeaders[],
): Receipt & { readonly sizeBytes: number | undefined } {
  const first = (name: string): string | undefined =>
    answers.map((headers) => headers[name]).find((value): value is string => typeof value === "string");
  const sha256 = first("x-linked-etag")?.replaceAll('"', "").toLowerCase();
  const size = Number(first("x-linked-size"));
  const revision = first("x-repo-commit");
  return {
    hubSha256: sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
    revision: revision !== undefined && /^[0-9a-f]{7,64}$/.test(revision) ? revision : undefined,
    sizeBytes: Number.isSafeInteger(size) && size > 0 ? size : undefined,
  };
}
