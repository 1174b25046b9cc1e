import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { lockState } from "../edge/state-lock.ts";
import { appError, isAppError } from "../kernel/errors.ts";
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
 * @throws AppError `state/locked` while another process computes it; `image/…` with the image's name
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
    // As many images as all three files have whole: a stop or a power cut may have left them of different lengths.
    const files = [
      { file: pixels, bytes: pixelBytes },
      { file: tokens, bytes: tokenBytes },
      { file: features, bytes: featureBytes },
    ].filter(({ bytes }) => bytes > 0); // a shallow student is taught no tokens
    const whole = files.map(async ({ file, bytes }) => Math.floor((await file.stat()).size / bytes));
    let done = Math.min(count, ...(await Promise.all(whole)));
    for (const { file, bytes } of files) await file.truncate(done * bytes);
    const begin = (): ReturnType<typeof renderBatch> | undefined => {
      const batch = done < count ? renderBatch(kind, done, options) : undefined;
      batch?.catch(() => {}); // told when it is its turn
      return batch;
    };
    let next = begin();
    while (next !== undefined) {
      const batch = await next;
      done += batch.count;
      // Rendered while the teacher computes.
      next = begin();
      const answers = await teacher.look(batch.teacher, batch.count);
      await append(pixels, batch.student);
      await append(tokens, float32ToHalf(answers.tokens));
      await append(features, answers.features);
      onProgress?.(kind, done, count);
    }
  } finally {
    await Promise.all([pixels, tokens, features].map((file) => file.close()));
  }
}

/** All of it, or it throws: `write` may write a part on a disk that gets full. */
function append(
  file: FileHandle,
  { buffer, byteOffset, byteLength }: Uint8Array | Uint16Array | Float32Array,
): Promise<void> {
  return file.writeFile(Buffer.from(buffer, byteOffset, byteLength));
}

async function renderBatch(
  kind: ViewKind,
  start: number,
  { images, seed, studentSizePx, teacher }: TeacherCacheOptions,
): Promise<{ count: number; student: Uint8Array; teacher: Uint8Array }> {
  const count = Math.min(batchSize, images.photographs + images.drawings - start);
  const sizes = [studentSizePx, teacher.info.imageSize];
  const views = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      try {
        return await renderView(await images.read(start + i), viewOf(kind, start + i, seed), sizes);
      } catch (cause) {
        if (!isAppError(cause)) throw cause;
        throw appError(cause.code, `${images.name(start + i)}: ${cause.message}`, { cause });
      }
    }),
  );
  return {
    count,
    student: Buffer.concat(views.map(([student]) => student!)),
    teacher: Buffer.concat(views.map(([, forTeacher]) => forTeacher!)),
  };
}

function identity({ images, teacher, studentSizePx, seed }: TeacherCacheOptions): string {
  const { sha256: photographs, drawings } = images;
  return identityOf({ recipe, teacher: teacher.identity, photographs, drawings, studentSizePx, seed });
}
