import { from, Observable, type ObservableInput, type OperatorFunction, type SchedulerLike, Subscription } from "rxjs";

/** The numbers are read at each use: they may change. */
export interface MicroBatchOptions {
  readonly size: number;
  /** How long an incomplete batch waits for more, ms; 0 takes what is there. */
  readonly maxWaitMs: number;
  /** False while nothing shall be taken. It must emit at once. */
  readonly open$: Observable<boolean>;
  /** Emits when no further batch shall be taken: what waits is left. */
  readonly stop$: Observable<unknown>;
  readonly scheduler: SchedulerLike;
}

/**
 * Takes what is waiting, up to `size`, whenever the last batch is done. At the end of the source it drains, unless
 * closed by `open$` or stopped.
 * ```
 * // in       a-b-c-d----|       size 2
 * // batch    a----bc---d-|      bc waited while a was learned
 * ```
 */
export function microBatch<T, R>(
  options: MicroBatchOptions,
  project: (batch: readonly T[]) => ObservableInput<R>,
): OperatorFunction<T, R> {
  const { open$, stop$, scheduler } = options;
  return (source) =>
    new Observable((subscriber) => {
      let queue: T[] = [];
      let running = false;
      let completed = false;
      let isOpen = false;
      let timer: Subscription | null = null;
      const subscription = new Subscription();

      function take(waited: boolean): void {
        const { size, maxWaitMs } = options;
        if (running) return;
        if (completed && (queue.length === 0 || !isOpen)) return subscriber.complete();
        if (!isOpen || queue.length === 0) return;
        if (queue.length < size && maxWaitMs > 0 && !waited && !completed) return wait();
        timer?.unsubscribe();
        timer = null;
        running = true;
        const batch = queue.slice(0, size);
        queue = queue.slice(size);
        const inner = from(project(batch)).subscribe({
          next: (result) => subscriber.next(result),
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            running = false;
            take(false);
          },
        });
        subscription.add(inner);
      }

      function wait(): void {
        if (timer !== null) return;
        timer = scheduler.schedule(() => {
          // A timer that fired would stay in the subscription, other than a batch that is over.
          timer?.unsubscribe();
          timer = null;
          take(true);
        }, options.maxWaitMs);
        subscription.add(timer);
      }

      const error = (cause: unknown): void => subscriber.error(cause);
      const end = (): void => {
        completed = true;
        take(true);
      };
      const stop = (): void => {
        queue = [];
        end();
      };
      subscription.add(stop$.subscribe({ next: stop, error }));
      const setOpen = (value: boolean): void => {
        isOpen = value;
        take(false);
      };
      subscription.add(open$.subscribe({ next: setOpen, error }));
      const put = (item: T): void => {
        queue.push(item);
        take(false);
      };
      subscription.add(source.subscribe({ next: put, error, complete: end }));
      return subscription;
    });
}
