import { expect, it } from "vitest";
import { refusals } from "../../src/edge/refusals.ts";
import { appError } from "../../src/kernel/errors.ts";

it("tells a reason once a topic, until something goes out on it again; bugs always, and a closed transport never", () => {
  const lines: string[] = [];
  const told = (): string[] => lines.splice(0);
  const { sent, refused } = refusals((level, message) => void lines.push(`${level} ${message}`));
  const no = appError("mqtt/not-authorized", "Not authorized");

  refused("a", no);
  refused("a", no);
  refused("b", no);
  expect(told()).toEqual([
    `warn nothing goes out on a: mqtt/not-authorized: Not authorized. ${no.hint}`,
    `warn nothing goes out on b: mqtt/not-authorized: Not authorized. ${no.hint}`,
  ]);
  refused("a", appError("mqtt/refused", "Topic invalid"));
  refused("a", appError("mqtt/refused", "Topic invalid"));
  expect(told()).toHaveLength(1);
  sent("a");
  refused("a", no);
  expect(told()).toHaveLength(1);
  refused("a", new Error("bug"));
  refused("a", new Error("bug"));
  expect(told()).toHaveLength(2);
  refused("c", appError("mqtt/closed", "closed"));
  expect(told()).toEqual([]);
});

it("remembers so many topics and no more: names come from outside", () => {
  let lines = 0;
  const { refused } = refusals(() => void (lines += 1));
  const no = appError("mqtt/refused", "no");
  for (let i = 0; i < 5000; i++) refused(`t${i}`, no);
  expect(lines).toBe(5000);
  refused("t4999", no);
  expect(lines).toBe(5000);
  refused("t0", no);
  expect(lines).toBe(5001);
});
