import {
  concatMap,
  defer,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  type OperatorFunction,
} from "rxjs";

/** Keeps values of the given kinds, and narrows their type. */
export function only<K extends string>(
  ...kinds: readonly K[]
): <T extends { readonly kind: string }>(source: Observable<T>) => Observable<Extract<T, { readonly kind: K }>> {
  const wanted = new Set<string>(kinds);
  return <T extends { readonly kind: string }>(source: Observable<T>) =>
    source.pipe(filter((value): value is Extract<T, { readonly kind: K }> => wanted.has(value.kind)));
}

/** The values of each list, in order. */
export function each<T>(): OperatorFunction<readonly T[], T> {
  return concatMap((values) => values);
}

/** Emits once when the source completes. */
export function done(source: Observable<unknown>): Observable<true> {
  return source.pipe(ignoreElements(), endWith(true as const));
}

/**
 * Runs an effect for each value when everyone has it.
 * ```
 * // in      -a-b--|
 * // out     -a-b--|
 * // effect  -a-b--     after a and b were delivered
 * ```
 */
export function after<T>(effect: (value: T) => void): MonoTypeOperatorFunction<T> {
  return concatMap((value) =>
    merge(
      of(value),
      defer(() => {
        effect(value);
        return EMPTY;
      }),
    ),
  );
}
