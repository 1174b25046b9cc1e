import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { HubModel } from "../backbone/catalogue.ts";
import { requireModelName } from "../backbone/installed.ts";
import type { Manifest, Origin } from "../backbone/manifest.ts";
import { loadModel, readManifest, readWeightsFile } from "../backbone/model.ts";
import { type AppError, appError, isAppError } from "../kernel/errors.ts";
import { checkImageSize, type Converted, convertWeights } from "./convert.ts";
import { download, type Downloaded } from "./download.ts";
import { fileUrl, type Hub } from "./hub.ts";
import type { Installed } from "./install.ts";
import { install, stageFile, stageWeights } from "./install.ts";
import { type PartFile, partFile } from "./part-file.ts";
import type { Environment } from "./proxy.ts";
import { inWorkplace, type Workplace } from "./workplace.ts";

export interface PullOptions {
  readonly model: HubModel;
  readonly hub: Hub;
  readonly modelsFolder: string;
  /** What it is installed as; default: its name in the catalogue. */
  readonly name?: string | undefined;
  /** Pixels a side; default: what it was trained for. */
  readonly imageSize?: number | undefined;
  /** Names the proxies. */
  readonly env: Environment;
  readonly stallMs?: number;
  readonly retryDelaysMs?: readonly number[];
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly onRetry?: (fault: AppError, waitMs: number) => void;
}

/** Node's readFile ends there, and so does every ViT that this product can run. */
const maxBytes = 2 ** 31 - 1;

/**
 * Brings a model of the catalogue from its hub. One that is there and whole stays; a damaged one is replaced.
 * @throws AppError `model/…`, `download/…`
 */
export async function pullModel(options: PullOptions): Promise<Installed> {
  const { model, modelsFolder, name = model.name, imageSize = model.architecture.imageSize } = options;
  requireModelName(name);
  // Before a download that would be for nothing.
  checkImageSize(imageSize, model.architecture.patchSize);
  const url = fileUrl(options.hub, model);
  return await inWorkplace(modelsFolder, name, async (workplace) => {
    const target = join(modelsFolder, name);
    const part = partFile(join(workplace.folder, "download.part"));
    const there = await installedModel(target);
    if (there !== undefined) {
      const { manifest, fault } = there;
      if (manifest?.origin === undefined || !isFrom(manifest.origin, model)) {
        throw appError("model/installed", `${target} is there and is not this model of the catalogue`);
      }
      if (manifest.architecture.imageSize !== imageSize) {
        throw appError("model/installed", `${target} is for ${manifest.architecture.imageSize} pixels a side`);
      }
      if (fault === undefined) {
        await part.discard();
        return { folder: target, manifest, notes: ["it is installed, and whole"] };
      }
    }
    // What was trusted once is what is expected again, from whichever mirror.
    const trusted = there?.manifest?.origin?.sha256;
    const got = await download(part, {
      url,
      secretHeaders: options.hub.token === undefined ? {} : { authorization: `Bearer ${options.hub.token}` },
      env: options.env,
      stallMs: options.stallMs ?? 60_000,
      retryDelaysMs: options.retryDelaysMs ?? [1000, 3000, 10_000],
      sha256: model.sha256 ?? trusted,
      sizeBytes: model.sizeBytes,
      maxBytes,
      onProgress: options.onProgress,
      onRetry: options.onRetry,
    });
    const converted = await convert(part, model, imageSize);
    const manifest = manifestOf(model, name, converted, originOf(url, model, got, converted));
    await stage(workplace, part, converted);
    const folder = await install(modelsFolder, workplace, manifest, { replace: there !== undefined });
    await part.discard();
    const first = model.sha256 === undefined && trusted === undefined ? [firstUse(got)] : [];
    const damaged = there?.fault === undefined ? [] : [`it was damaged (${there.fault.code}) and is replaced`];
    return { folder, manifest, notes: [...damaged, ...converted.changes, ...first] };
  });
}

interface There {
  /** Undefined where it cannot be read. */
  readonly manifest: Manifest | undefined;
  /** Undefined where the model is whole. */
  readonly fault?: AppError;
}

async function installedModel(folder: string): Promise<There | undefined> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const manifest = await readManifest(folder).catch(() => undefined);
  try {
    await loadModel(folder);
    return { manifest };
  } catch (error) {
    if (isAppError(error)) return { manifest, fault: error };
    throw error;
  }
}

/** Whether it came from this file of this repository, by whichever mirror. */
function isFrom({ from }: Origin, model: HubModel): boolean {
  return URL.canParse(from) && new URL(from).pathname.endsWith(fileUrl({ endpoint: "http://mirror" }, model).pathname);
}

async function convert(part: PartFile, model: HubModel, imageSize: number): Promise<Converted> {
  try {
    const { heads, layerNormEps } = model.architecture;
    const converted = convertWeights(await readWeightsFile(part.path), { heads, layerNormEps, imageSize });
    for (const [key, said] of Object.entries({ ...model.architecture, imageSize })) {
      const found = converted.architecture[key as keyof typeof converted.architecture];
      if (found !== said)
        throw appError("model/architecture", `the catalogue says ${key} ${said}, the weights ${found}`);
    }
    return converted;
  } catch (error) {
    // It came whole and is no such model: the next try begins anew.
    if (isAppError(error)) await part.discard();
    throw error;
  }
}

function originOf(url: URL, model: HubModel, got: Downloaded, { changes }: Converted): Origin {
  return {
    from: url.href,
    sha256: got.sha256,
    sizeBytes: got.sizeBytes,
    trust: model.sha256 === undefined ? "first-use" : "catalogue",
    ...(got.revision !== undefined && { revision: got.revision }),
    ...(changes.length > 0 && { converted: changes }),
  };
}

function manifestOf(model: HubModel, name: string, { file, architecture }: Converted, origin: Origin): Manifest {
  const { mean, std, resize, kernel, licence, source } = model;
  const sha256 = createHash("sha256").update(file).digest("hex");
  return { v: 1, name, architecture, sha256, mean, std, resize, kernel, licence, source, origin };
}

/** What needed no change is the part itself, so that it need not fit on the disk twice. */
async function stage(workplace: Workplace, part: PartFile, { file, changes }: Converted): Promise<void> {
  if (changes.length > 0) await stageWeights(workplace, file);
  else await stageFile(workplace, part.path);
}

function firstUse({ sha256, hubSha256 }: Downloaded): string {
  const hub = hubSha256 === undefined ? "" : "; the hub itself says the same";
  return `its sha256 was not known here: ${sha256} is trusted on first use and written beside the model${hub}`;
}
