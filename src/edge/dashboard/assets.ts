import { readdir, readFile } from "node:fs/promises";

/** One file of the page. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The page's files by their URL path. They are served as they stand in the sources: this file is three folders deep
 * both as source and compiled, so the same way leads there. All are read once: a request never reaches the disk.
 */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const folder = new URL("../../../src/edge/dashboard/page/", import.meta.url);
  const assets = new Map<string, Asset>();
  for (const name of await readdir(folder)) {
    const type = types[name.split(".").at(-1)!];
    if (!type) continue;
    assets.set(name === "index.html" ? "/" : `/${name}`, { type, body: await readFile(new URL(name, folder)) });
  }
  return assets;
}
