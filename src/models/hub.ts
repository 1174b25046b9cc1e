import type { HubModel } from "../backbone/catalogue.ts";
import { appError } from "../kernel/errors.ts";

/** A hub as huggingface_hub knows it, from HF_ENDPOINT and HF_TOKEN. */
export interface Hub {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string | undefined;
}

/** @throws AppError `download/endpoint` */
export function hubOf(env: Readonly<Record<string, string | undefined>>): Hub {
  const text = env["HF_ENDPOINT"] || "https://huggingface.co";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== "" ||
    url.search !== "" ||
    url.hash !== ""
  ) {
    throw appError("download/endpoint", "HF_ENDPOINT is no http or https address");
  }
  const token = env["HF_TOKEN"]?.trim();
  // A line end or a space in it would end the header.
  const isToken = token !== undefined && /^[\x21-\x7e]+$/.test(token);
  return { endpoint: url.href.replace(/\/+$/, ""), ...(isToken && { token }) };
}

/** Where a hub and its mirrors have a file (HUGGINGFACE_CO_URL_TEMPLATE in huggingface_hub/constants.py). */
export function fileUrl({ endpoint }: Hub, { repo, revision, file }: HubModel): URL {
  return new URL(`${endpoint}/${repo}/resolve/${revision}/${file}`);
}
