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
  receive(messageId: number, bytes: number): () => void;
  /** Calls back when no more is unsettled than the bounds allow: at once, or later. Never after `close`. */
  whenOpen(proceed: () => void): void;
  readonly unsettled: number;
  /** The connection is gone: its acknowledgements mean nothing on the next one. */
  close(): void;
}

/** With one message more: the most that is taken in and not acknowledged. */
export interface AckBounds {
  /** ≥ 1 */
  readonly messages: number;
  /** Of their payloads. */
  readonly bytes: number;
}

export function ackWindow(bounds: AckBounds, acknowledge: (messageId: number) => void): AckWindow {
  const pending: { readonly messageId: number; readonly bytes: number; settled: boolean }[] = [];
  let bytes = 0;
  let waiting: (() => void) | undefined;
  let closed = false;

  const isOpen = (): boolean => pending.length <= bounds.messages && bytes <= bounds.bytes;

  function drain(): void {
    while (pending[0]?.settled === true) {
      const done = pending.shift()!;
      bytes -= done.bytes;
      acknowledge(done.messageId);
    }
    if (waiting !== undefined && isOpen()) {
      const proceed = waiting;
      waiting = undefined;
      proceed();
    }
  }

  return {
    receive(messageId, size) {
      const entry = { messageId, bytes: size, settled: false };
      pending.push(entry);
      bytes += size;
      return () => {
        if (closed || entry.settled) return;
        entry.settled = true;
        drain();
      };
    },
    whenOpen(proceed) {
      if (closed) return;
      if (isOpen()) proceed();
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
