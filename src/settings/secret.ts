import { inspect } from "node:util";

/** Text that no log, error or JSON shows. */
export interface Secret {
  reveal(): string;
  toString(): string;
}

function hidden(): string {
  return "[secret]";
}

export function secret(text: string): Secret {
  return Object.freeze({ reveal: () => text, toString: hidden, toJSON: hidden, [inspect.custom]: hidden });
}
