/**
 * Acknowledges in the order of arrival, whatever the order of settling [MQTT-4.6.0-2], so that several labels can be on
 * their way to the disk at once.
 *
 *   received   1 2 3
 *   settled    2 1 3
 *   sent       - 1,2 3
 */
export interface AckWindow {
  /** @returns To be called when the message is safe; idempotent, and without effect after `close`. */
  receive(messageId: number): () => void;
  /** Calls back when at most `bound` messages are unsettled: at once, or later. Never after `close`. */
  whenOpen(proceed: () => void): void;
  readonly unsettled: number;
  /** The connection is gone: its acknowledgements mean nothing on the next one. */
  close(): void;
}

/** @param bound With one more: most messages taken in and not acknowledged, ≥ 1. */
export function ackWindow(bound: number, acknowledge: (messageId: number) => void): AckWindow {
  const pending: { readonly messageId: number; settled: boolean }[] = [];
  let waiting: (() => void) | undefined;
  let closed = false;

  function drain(): void {
    while (pending[0]?.settled === true) acknowledge(pending.shift()!.messageId);
    if (waiting !== undefined && pending.length <= bound) {
      const proceed = waiting;
      waiting = undefined;
      proceed();
    }
  }

  return {
    receive(messageId) {
      const entry = { messageId, settled: false };
      pending.push(entry);
      return () => {
        if (closed || entry.settled) return;
        entry.settled = true;
        drain();
      };
    },
    whenOpen(proceed) {
      if (closed) return;
      if (pending.length <= bound) proceed();
      else waiting = proceed;
    },
    get unsettled() {
      return pending.length;
    },
    close() {
      closed = true;
      waiting = undefined;
      pending.length = 0;
    },
  };
}
