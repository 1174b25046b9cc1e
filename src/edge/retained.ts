import type { RawMessage } from "../stream/parts.ts";
import type { MqttConnection } from "./mqtt-connection.ts";

/** Reads single retained messages over a connection that is there for others. */
export interface RetainedReader {
  attach(connection: MqttConnection): void;
  detach(): void;
  read(topic: string, waitMs: number): Promise<Uint8Array | undefined>;
  /** True when the message was asked for. */
  take(message: RawMessage): boolean;
  /** Answers every open question with undefined. */
  close(): void;
}

interface Question {
  readonly topic: string;
  readonly answer: (payload: Uint8Array | undefined) => void;
}

/** @param maxPayloadBytes Larger ones, which arrive cut, are taken as absent. */
export function retainedReader(maxPayloadBytes: number): RetainedReader {
  const questions = new Set<Question>();
  let connection: MqttConnection | undefined;

  /** Failures are answered by time: a broker that comes back within it is asked again. */
  function ask(topic: string): void {
    connection?.subscribe(topic).catch(() => {});
  }

  return {
    attach(next) {
      connection = next;
      for (const topic of new Set([...questions].map((question) => question.topic))) ask(topic);
    },
    detach() {
      connection = undefined;
    },
    read(topic, waitMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => question.answer(undefined), waitMs);
        const question: Question = {
          topic,
          answer(payload) {
            clearTimeout(timer);
            questions.delete(question);
            void connection?.unsubscribe(topic);
            resolve(payload);
          },
        };
        questions.add(question);
        ask(topic);
      });
    },
    take(message) {
      const asked = [...questions].filter(({ topic }) => topic === message.topic);
      for (const { answer } of asked) answer(message.payload.length > maxPayloadBytes ? undefined : message.payload);
      if (asked.length > 0) message.settle();
      return asked.length > 0;
    },
    close() {
      for (const { answer } of questions) answer(undefined);
    },
  };
}
