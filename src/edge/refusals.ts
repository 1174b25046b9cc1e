import { isAppError } from "../kernel/errors.ts";
import type { Log } from "../stream/parts.ts";

/** What could not be sent, told once a topic and reason until something goes out on that topic again. */
export interface Refusals {
  readonly sent: (topic: string) => void;
  readonly refused: (topic: string, error: unknown) => void;
}

/** Camera names come from outside: so many topics are remembered at most. */
const maxTopics = 1000;

export function refusals(log: Log): Refusals {
  const told = new Map<string, string>();

  return {
    sent: (topic) => void told.delete(topic),
    refused(topic, error) {
      if (!isAppError(error)) return log("warn", `nothing was sent on ${topic}`, error); // a bug
      if (error.code === "mqtt/closed" || told.get(topic) === error.code) return;
      told.delete(topic);
      told.set(topic, error.code);
      if (told.size > maxTopics) told.delete(told.keys().next().value!);
      log("warn", `nothing goes out on ${topic}: ${error.code}: ${error.message}. ${error.hint}`);
    },
  };
}
