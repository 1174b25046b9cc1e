import { once } from "node:events";
import type { IncomingMessage } from "node:http";

/** The bytes of an answer; iterating ends with its error, if it had one, after every byte that came before. */
export interface Body extends AsyncIterable<Buffer> {
  destroy(): void;
}

const maxWaitingBytes = 2 ** 20;

/**
 * Takes the bytes as they come. Iterating a stream of Node's itself loses what it has buffered when the connection is
 * cut, and a download over a bad line lives on that.
 */
export function bodyOf(response: IncomingMessage): Body {
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isOver = false;
  let fault: Error | undefined;
  const changed = new EventTarget();
  const tell = (): void => void changed.dispatchEvent(new Event("change"));

  response.on("data", (chunk: Buffer) => {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes > maxWaitingBytes) response.pause();
    tell();
  });
  response.once("error", (error) => void (fault = error));
  response.once("close", () => {
    isOver = true;
    if (!response.complete) fault ??= new Error("closed");
    tell();
  });

  return {
    destroy: () => void response.destroy(),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const chunk = waiting.shift();
        if (chunk !== undefined) {
          waitingBytes -= chunk.length;
          if (waitingBytes <= maxWaitingBytes / 2) response.resume();
          yield chunk;
        } else if (isOver) {
          if (fault !== undefined) throw fault;
          return;
        } else {
          await once(changed, "change");
        }
      }
    },
  };
}
