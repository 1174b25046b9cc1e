import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { lockState } from "../edge/state-lock.ts";
import { float32ToHalf } from "../kernel/half.ts";
import { identityOf } from "./identity.ts";
import { renderView } from "./render-view.ts";
import type { Teacher } from "./teacher.ts";
import { openTokenFile, type TokenFile } from "./token-file.ts";
import type { TrainingImages } from "./training-images.ts";
import { type ViewKind, viewOf } from "./view.ts";

/** One view of each image as the student sees it, and what the teacher says of that view. */
export interface ViewSet {
  readonly kind: ViewKind;
  readonly count: number;
  /** uint8 [count, S, S, 3] */
  readonly pixels: Uint8Array;
  /** [count, D] */
  readonly features: Float32Array;
  readonly tokens: TokenFile;
}

export interface TeacherCacheOptions {
  /** Outside git; a folder for each teacher, set of images and recipe is made in it. */
  readonly folder: string;
  readonly images: TrainingImages;
  readonly teacher: Teacher;
  /** S: the student's input side, pixels. */
  readonly studentSizePx: number;
  readonly seed: number;
  /** Called after each batch. */
  readonly onProgress?: (kind: ViewKind, done: number, of: number) => void;
}

/** Raise when the recipe of the views changes: old caches are then left alone. */
const recipe = 3;
const batchSize = 16;

/**
 * The view set of a kind, from disk; what is missing is computed first, and a stopped run goes on where it was.
 * @throws AppError `state/locked` while another process computes it
 */
export async function viewSet(kind: ViewKind, options: TeacherCacheOptions): Promise<ViewSet> {
  const { images, teacher } = options;
  const count = images.photographs + images.drawings;
  const folder = join(options.folder, identity(options));
  const path = (what: string): string => join(folder, `${kind}.${what}`);
  const lock = await lockState(folder);
  try {
    await complete(kind, count, path, options);
  } finally {
    await lock.release();
  }
  const stored = await readFile(path("features"));
  return {
    kind,
    count,
    pixels: await readFile(path("pixels")),
    features: new Float32Array(Uint8Array.from(stored).buffer),
    tokens: openTokenFile(path("tokens"), teacher.tokenNumbers),
  };
}

async function complete(
  kind: ViewKind,
  count: number,
  path: (what: string) => string,
  options: TeacherCacheOptions,
): Promise<void> {
  const { teacher, studentSizePx, onProgress } = options;
  const pixelBytes = studentSizePx ** 2 * 3;
  const featureBytes = teacher.info.width * 4;
  const tokenBytes = teacher.tokenNumbers * 2;
  const [pixels, tokens, features] = (await Promise.all(
    ["pixels", "tokens", "features"].map((what) => open(path(what), "a")),
  )) as [FileHandle, FileHandle, FileHandle];
  try {
    // Features are written last: they say how much is done.
    let done = Math.floor((await stat(path("features"))).size / featureBytes);
    await pixels.truncate(done * pixelBytes);
    await tokens.truncate(done * tokenBytes);
    await features.truncate(done * featureBytes);
    let next = done < count ? renderBatch(kind, done, options) : undefined;
    while (next !== undefined) {
      const batch = await next;
      done += batch.count;
      // Rendered while the teacher computes.
      next = done < count ? renderBatch(kind, done, options) : undefined;
      const answers = await teacher.look(batch.teacher, batch.count);
      await pixels.write(batch.student);
      await tokens.write(float32ToHalf(answers.tokens));
      await features.write(answers.features);
      onProgress?.(kind, done, count);
    }
  } finally {
    await Promise.all([pixels, tokens, features].map((file) => file.close()));
  }
}

async function renderBatch(
  kind: ViewKind,
  start: number,
  { images, seed, studentSizePx, teacher }: TeacherCacheOptions,
): Promise<{ count: number; student: Uint8Array; teacher: Uint8Array }> {
  const count = Math.min(batchSize, images.photographs + images.drawings - start);
  const sizes = [studentSizePx, teacher.info.imageSize];
  const views = await Promise.all(
    Array.from({ length: count }, async (_, i) =>
      renderView(await images.read(start + i), viewOf(kind, start + i, seed), sizes),
    ),
  );
  return {
    count,
    student: Buffer.concat(views.map(([student]) => student!)),
    teacher: Buffer.concat(views.map(([, forTeacher]) => forTeacher!)),
  };
}

function identity({ images, teacher, studentSizePx, seed }: TeacherCacheOptions): string {
  const { photographs, drawings, labels } = images;
  return identityOf({
    recipe,
    teacher: teacher.info.modelId,
    tokens: teacher.tokenNumbers,
    photographs,
    drawings,
    labels,
    studentSizePx,
    seed,
  });
}
