import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDiskQueue } from "../../src/edge/disk-queue.ts";
import { type Forwarder, forwarder } from "../../src/edge/forwarder.ts";
import { outbox, type OutMessage, type OutboxOptions } from "../../src/edge/outbox.ts";
import { shortLived } from "../../src/edge/short-lived.ts";
import { appError, type AppError } from "../../src/kernel/errors.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "l2p-forward-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A broker that is away until it is told otherwise. */
function world(maxBytes = 2 ** 20) {
  const logged: string[] = [];
  const sent: string[] = [];
  const open: { text: string; settle: (error?: AppError) => void }[] = [];
  const transport = {
    publish: (_topic: string, payload: Uint8Array | string) =>
      new Promise<void>((done, fail) => {
        const text = typeof payload === "string" ? payload : new TextDecoder().decode(payload);
        open.push({ text, settle: (error) => (error ? fail(error) : done()) });
      }),
  };
  const log = (level: string, text: string): void => void logged.push(`${level}: ${text}`);
  const queue = openDiskQueue({ folder, maxBytes, whenFull: "drop-oldest", log });
  const forward: Forwarder = forwarder({ queue, transport, outboxMaxMessages: 10_000, log });
  return {
    forward,
    queue,
    logged,
    sent,
    open,
    say: (text: string) => forward.publish("t", new TextEncoder().encode(text)),
    async answer(count: number) {
      for (let i = 0; i < count; i++) {
        await vi.waitFor(() => expect(open.length).toBeGreaterThan(0));
        const { text, settle } = open.shift()!;
        sent.push(text);
        settle();
        await Promise.resolve();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

it("passes over what cannot be read from the disk, loudly, and sends what follows", async () => {
  const waiting = [{ n: 2, topic: "t", payload: new TextEncoder().encode("after") }];
  let isBad = true;
  const take = (): (typeof waiting)[number] | undefined => {
    if (!isBad) return waiting.shift();
    isBad = false;
    throw appError("queue/io", "a bad sector");
  };
  const queue = { ...openDiskQueue({ folder, maxBytes: 2 ** 20, whenFull: "drop-oldest", log: () => {} }), take };
  const sent: string[] = [];
  const logged: string[] = [];
  const publish = async (_topic: string, payload: Uint8Array | string): Promise<void> => {
    sent.push(new TextDecoder().decode(payload as Uint8Array));
  };
  const log = (level: string, text: string): void => void logged.push(`${level}: ${text}`);
  const forward = forwarder({ queue, transport: { publish }, outboxMaxMessages: 100, log });
  await vi.waitFor(() => expect(sent).toEqual(["after"]));
  expect(logged).toEqual(["error: results that waited on disk cannot be read, and are not sent"]);
  await forward.close();
});

const texts = Array.from({ length: 50 }, (_, i) => `m${i}`);

it("sends in order, and keeps what the broker has not answered for the next start", async () => {
  const first = world();
  for (const text of texts) first.say(text);
  expect(first.open.map(({ text }) => text)).toEqual(texts.slice(0, 20)); // the rest is on disk alone
  await first.answer(30);
  expect(first.sent).toEqual(texts.slice(0, 30));
  expect(first.queue.messages).toBe(20);
  await first.forward.close();

  const second = world();
  second.say("new");
  await second.answer(21);
  expect(second.sent).toEqual([...texts.slice(30), "new"]);
  expect(second.queue.messages).toBe(0);
  await second.forward.close();
});

describe.each(["drop-oldest", "drop-newest"] as const)("a small outbox, %s", (whenFull) => {
  function small(bounds: Pick<OutboxOptions, "maxMessages" | "maxBytes">) {
    const box = outbox({ ...bounds, whenFull });
    const queue = openDiskQueue({ folder, maxBytes: 2 ** 20, whenFull: "drop-oldest", log: () => {} });
    const forward = forwarder({
      queue,
      transport: {
        publish: async (topic, payload, options) =>
          await box.add({
            topic,
            payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
            options,
          }),
      },
      outboxMaxMessages: bounds.maxMessages,
      log: () => {},
    });
    const got = new Map<string, string[]>();
    const send = async ({ topic, payload }: OutMessage): Promise<"sent"> => {
      got.set(topic, [...(got.get(topic) ?? []), new TextDecoder().decode(payload)]);
      return "sent";
    };
    return { box, queue, forward, got, send };
  }
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("keeps the order, loses nobody else's message, and counts none as lost", async () => {
    const { box, queue, forward, got, send } = small({ maxMessages: 10, maxBytes: 2 ** 20 });
    const replies = Array.from({ length: 8 }, (_, i) => `reply ${i}`);
    for (const text of texts) forward.publish("t", bytes(text));
    expect(box.messages).toBe(5);
    const replied = Promise.all(
      replies.map((text) => box.add({ topic: "reply", payload: bytes(text), options: { qos: 1 } })),
    );
    await pause();
    expect([box.messages, box.dropped, queue.messages]).toEqual([10, 0, 50]);
    box.attach(send, 20);
    await replied;
    await vi.waitFor(() => expect(queue.messages).toBe(0));
    expect(got.get("t")).toEqual(texts);
    expect(got.get("reply")).toEqual(replies);
    expect([box.dropped, queue.dropped]).toEqual([0, 0]);
    await forward.close();
  });

  it("nor does a small message overtake a large one that had no room", async () => {
    const { box, queue, forward, got, send } = small({ maxMessages: 100, maxBytes: 1000 });
    const sized = [...texts.map((text, i) => text.padEnd(i % 3 === 2 ? 700 : 10, ".")), "x".repeat(2000), "last"];
    for (const text of sized) forward.publish("t", bytes(text));
    await pause();
    box.attach(send, 20);
    await vi.waitFor(() => expect(queue.messages).toBe(0));
    // What never fits does not hold up the rest.
    expect(got.get("t")).toEqual(sized.filter((text) => text.length < 1000));
    expect(box.dropped).toBe(0);
    await forward.close();
  });
});

it("passes over what the broker refuses for good, counts it, and says so once a topic", async () => {
  const { say, open, queue, logged, forward } = world();
  say("a");
  open.shift()!.settle(appError("mqtt/not-authorized", "t: Not authorized"));
  await vi.waitFor(() => expect(queue.messages).toBe(0));
  say("b");
  open.shift()!.settle(appError("mqtt/not-authorized", "t: Not authorized"));
  await vi.waitFor(() => expect(queue.messages).toBe(0));
  expect(logged.filter((line) => line.includes("nothing goes out on t: mqtt/not-authorized: "))).toHaveLength(1);
  expect(logged.join()).toContain("in the broker's access list");
  expect(queue.dropped).toBe(2);
  await forward.close();
});

it("keeps all when the transport closes, and reads no further", async () => {
  const { say, open, queue, forward } = world();
  for (const text of texts) say(text);
  for (const { settle } of open.splice(0)) settle(appError("mqtt/closed", "t"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(open).toEqual([]);
  expect(queue.messages).toBe(50);
  await forward.close();
});

it("what cannot be stored is sent from memory, and told once", async () => {
  const { say, open, queue, logged, forward } = world();
  vi.spyOn(queue, "push").mockImplementation(() => {
    throw appError("queue/io", "no space");
  });
  say("a");
  say("b");
  expect(open.map(({ text }) => text)).toEqual(["a", "b"]);
  expect(logged.filter((line) => line.startsWith("error"))).toHaveLength(1);
  await forward.close();
});

it("predictions wait for the broker until they expire, and are counted then", () => {
  let now = 0;
  const news = shortLived(1000, () => now);
  const message = (text: string) => ({
    topic: "t",
    payload: new TextEncoder().encode(text),
    options: { qos: 0, expiryS: 60 } as const,
  });
  news.hold(message("a"));
  now = 30_000;
  news.hold(message("b"));
  now = 60_000;
  expect(news.lost).toBe(1);
  const [kept, ...more] = news.take();
  expect(new TextDecoder().decode(kept!.payload)).toBe("b");
  expect(kept!.options.expiryS).toBe(30);
  expect(more).toEqual([]);
  expect(news.take()).toEqual([]);
  news.hold(message("c".repeat(600)));
  news.hold(message("d".repeat(600)));
  expect(news.take().map(({ payload }) => payload[0])).toEqual([100]);
  expect(news.lost).toBe(2);
});
