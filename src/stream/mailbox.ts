import { from, Observable, type ObservableInput, type OperatorFunction, Subscription } from "rxjs";

/** The numbers are read at each use: they may change. */
export interface MailboxOptions<T> {
  /** Whose mailbox it goes into. */
  readonly keyOf: (item: T) => string;
  /** Keys worked on at once; of one key it is always one item at a time, so its results keep their order. */
  readonly parallel: number;
  /** Keys that may have an item waiting. */
  readonly maxKeys: number;
  readonly dropped: (item: T, reason: "mailbox/replaced" | "mailbox/cameras") => void;
}

/**
 * Newest wins: while a key's item is worked on, only its newest other item waits. Keys are served in the order in
 * which they began to wait, so a fast camera cannot starve a slow one.
 * ```
 * // in   -a-b-c----|
 * // out  -----a---c|   b was replaced while a was running
 * ```
 */
export function mailbox<T, R>(
  options: MailboxOptions<T>,
  project: (item: T) => ObservableInput<R>,
): OperatorFunction<T, R> {
  const { keyOf, dropped } = options;
  return (source) =>
    new Observable((subscriber) => {
      // A Map keeps the order in which keys began to wait; a replaced item keeps its place.
      const waiting = new Map<string, T>();
      const running = new Set<string>();
      const subscription = new Subscription();
      let completed = false;

      function start(): void {
        for (const [key, item] of waiting) {
          if (running.size >= options.parallel) return;
          if (running.has(key)) continue;
          waiting.delete(key);
          run(key, item);
        }
        if (completed && running.size === 0 && waiting.size === 0) subscriber.complete();
      }

      function run(key: string, item: T): void {
        running.add(key);
        const inner = from(project(item)).subscribe({
          next: (result) => subscriber.next(result),
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            running.delete(key);
            start();
          },
        });
        subscription.add(inner);
      }

      function put(item: T): void {
        const key = keyOf(item);
        const replaced = waiting.get(key);
        if (replaced !== undefined) dropped(replaced, "mailbox/replaced");
        waiting.set(key, item);
        while (waiting.size > options.maxKeys) {
          const [oldest] = waiting;
          waiting.delete(oldest![0]);
          dropped(oldest![1], "mailbox/cameras");
        }
        start();
      }

      subscription.add(
        source.subscribe({
          next: put,
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            completed = true;
            start();
          },
        }),
      );
      return subscription;
    });
}
