import type { OutMessage } from "./outbox.ts";

/** Messages of QoS 0 with an expiry that were made while there was no broker: sent if it comes back in time. */
export interface ShortLived {
  hold(message: OutMessage): void;
  /** Those that are still news, oldest first, with what is left of their expiry; they are held no more. */
  take(): OutMessage[];
  /** Those that expired or found no room, since the start. */
  readonly lost: number;
}

/** @param maxBytes Beyond, the oldest gives way. */
export function shortLived(maxBytes: number, nowMs: () => number = () => performance.now()): ShortLived {
  let held: { readonly message: OutMessage; readonly until: number }[] = [];
  let bytes = 0;
  let lost = 0;

  function forget(): void {
    bytes -= sizeOf(held.shift()!.message);
    lost += 1;
  }

  function sweep(): void {
    const now = nowMs();
    // Of one expiry all: whatever is older expires first.
    while (held[0] !== undefined && (held[0].until <= now || bytes > maxBytes)) forget();
  }

  return {
    hold(message) {
      held.push({ message, until: nowMs() + (message.options.expiryS ?? 0) * 1000 });
      bytes += sizeOf(message);
      sweep();
    },
    take() {
      sweep();
      const taken = held;
      held = [];
      bytes = 0;
      return taken.map(({ message, until }) => {
        const expiryS = Math.max(1, Math.ceil((until - nowMs()) / 1000));
        return { ...message, options: { ...message.options, expiryS } };
      });
    },
    get lost() {
      sweep();
      return lost;
    },
  };
}

function sizeOf({ topic, payload }: OutMessage): number {
  return topic.length + payload.length;
}
