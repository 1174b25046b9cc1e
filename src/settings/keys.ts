import { z } from "zod";

/** Levels of a topic without wildcards. */
export const topicPattern: RegExp = /^[A-Za-z0-9._-]{1,64}(\/[A-Za-z0-9._-]{1,64})*$/;

/** An object that refuses unknown keys and may be left out where all its keys may. */
export function section<Shape extends z.ZodRawShape>(
  doc: string,
  shape: Shape,
): z.ZodPrefault<z.ZodObject<Shape, z.core.$strict>> {
  return z
    .strictObject(shape)
    .prefault({} as z.input<z.ZodObject<Shape, z.core.$strict>>)
    .describe(doc);
}

type Whole = z.ZodDefault<z.ZodInt>;
/** Bounds are added to a number before its default. */
export interface WholeKey {
  max(most: number): WholeKey;
  describe(doc: string): Whole;
}

/** A whole number with its least value and its default. */
export function atLeast(least: number, fallback: number, most: number = 2 ** 50): WholeKey {
  return {
    max: (bound) => atLeast(least, fallback, bound),
    describe: (doc) => z.int().min(least).max(most).default(fallback).describe(doc),
  };
}

/** For keys whose names end in Ms: a timer of Node that is set for longer ends after 1 ms. */
export function milliseconds(least: number, fallback: number): WholeKey {
  return atLeast(least, fallback, 2 ** 31 - 1);
}

/** For keys whose names end in S. */
export function seconds(least: number, fallback: number): WholeKey {
  return atLeast(least, fallback, 65_535 * 1000);
}

/** For keys whose names end in Bytes; MQTT itself ends at 256 MiB a message. */
export function bytes(least: number, fallback: number): WholeKey {
  return atLeast(least, fallback, 2 ** 40);
}

export function port(fallback: number): WholeKey {
  return atLeast(0, fallback, 65_535);
}

/** Relative to the working directory. */
export function path(doc: string): z.ZodOptional<z.ZodString> {
  return z.string().min(1).optional().describe(doc);
}
