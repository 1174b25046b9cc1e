import type { ScenarioImage } from "./image.ts";

/** A stretch of the stream: a task, a visit to a domain, or, where there are no boundaries, a share of the time. */
export interface Segment {
  readonly name: string;
  /** Frames of the stream up to its end; the last one's is the stream's length. */
  readonly end: number;
}

/** Test images that are scored together: a column of the matrix a[i][j]. */
export interface TestSet {
  readonly name: string;
  readonly images: readonly number[];
  /** The segment in which what it tests is learned first. */
  readonly learnedIn: number;
}

/** What is played to a method. Only the harness knows segments and test sets; a method sees frames and labels. */
export interface Scenario {
  readonly name: string;
  /** All images; the other fields name them by their index here. */
  readonly images: readonly ScenarioImage[];
  /** Training images in the order of their frames. */
  readonly stream: readonly number[];
  readonly segments: readonly Segment[];
  readonly tests: readonly TestSet[];
  /** Images of the stream that never get a label: of classes that are held out. */
  readonly unlabelled?: ReadonlySet<number>;
}

/** Collects a scenario's images and hands out their indices. */
export interface ImageList {
  readonly images: readonly ScenarioImage[];
  readonly add: (image: ScenarioImage) => number;
  readonly addAll: (images: readonly ScenarioImage[]) => number[];
}

export function imageList(): ImageList {
  const images: ScenarioImage[] = [];
  const add = (image: ScenarioImage): number => images.push(image) - 1;
  return { images, add, addAll: (more) => more.map(add) };
}

/** One segment after another → their stream and ends. */
export function joinSegments(parts: readonly { readonly name: string; readonly stream: readonly number[] }[]): {
  stream: number[];
  segments: Segment[];
} {
  const stream: number[] = [];
  const segments: Segment[] = [];
  for (const part of parts) {
    stream.push(...part.stream);
    segments.push({ name: part.name, end: stream.length });
  }
  return { stream, segments };
}

/** `count` stretches of equal length of a stream that has no boundaries. */
export function equalSegments(length: number, count: number, name: (index: number) => string): Segment[] {
  return Array.from({ length: count }, (_, i) => ({ name: name(i), end: Math.round((length * (i + 1)) / count) }));
}
