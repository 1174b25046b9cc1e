import {
  distinctUntilChanged,
  interval,
  map,
  NEVER,
  type Observable,
  type SchedulerLike,
  startWith,
  switchMap,
} from "rxjs";

/**
 * Ticks at a period that may change; 0: none. A change begins a period anew.
 * ```
 * // periodMs  2----4------
 * // changed$  -----c------
 * // out       --t-t----t--
 * ```
 */
export function ticks(
  periodMs: () => number,
  changed$: Observable<unknown>,
  scheduler: SchedulerLike,
): Observable<number> {
  return changed$.pipe(
    startWith(null),
    map(periodMs),
    distinctUntilChanged(),
    switchMap((ms) => (ms > 0 ? interval(ms, scheduler) : NEVER)),
  );
}
