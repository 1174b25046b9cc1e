import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { ackWindow } from "../../src/edge/ack-window.ts";
import { backoffMs } from "../../src/edge/backoff.ts";
import { mqttFault } from "../../src/edge/mqtt-faults.ts";
import { endpointOf, placeOf } from "../../src/edge/mqtt-socket.ts";
import { outbox, type OutboxOptions, type OutMessage, type SendResult } from "../../src/edge/outbox.ts";
import { packetCutter } from "../../src/edge/packet-cutter.ts";
import { appError } from "../../src/kernel/errors.ts";

describe("ackWindow", () => {
  it("acknowledges in the order of arrival, whatever the order of settling", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(20).keys()], { minLength: 20 }), (order) => {
        const sent: number[] = [];
        const window = ackWindow({ messages: 100, bytes: 100 }, (id) => sent.push(id));
        const settle = order.map((_, id) => window.receive(id, 1));
        for (const [done, id] of order.entries()) {
          settle[id]!();
          settle[id]!();
          const settled = new Set(order.slice(0, done + 1));
          let expected = 0;
          while (settled.has(expected)) expected++;
          expect(sent).toEqual([...Array(expected).keys()]);
        }
        expect(window.unsettled).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    { messages: 2, bytes: 1000 },
    { messages: 1000, bytes: 20 },
  ])("holds back above its bounds until the oldest is settled: %o", (bounds) => {
    let opened = 0;
    const window = ackWindow(bounds, () => {});
    const settle = [1, 2, 3].map((id) => window.receive(id, 10));
    window.whenOpen(() => opened++);
    settle[2]!();
    expect(opened).toBe(0);
    settle[0]!();
    expect(opened).toBe(1);
    window.whenOpen(() => opened++);
    expect(opened).toBe(2);
  });

  it("does nothing after its connection's end", () => {
    const sent: number[] = [];
    const window = ackWindow({ messages: 1, bytes: 1 }, (id) => sent.push(id));
    const settle = window.receive(1, 1);
    window.close();
    settle();
    window.whenOpen(() => sent.push(99));
    expect(sent).toEqual([]);
  });
});

describe("packetCutter", () => {
  const packet = fc.record({ type: fc.integer({ min: 1, max: 15 }), length: fc.integer({ min: 0, max: 400 }) });

  it("passes what is within the bound and cuts PUBLISH packets above it, however the stream is chopped", () => {
    fc.assert(
      fc.property(fc.array(packet), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (packets, sizes) => {
        const bound = 200;
        const given = packets.filter(({ type, length }) => type === 3 || length <= bound);
        const whole = Buffer.concat(given.map(({ type, length }) => encode(type, body(length))));
        const expected = Buffer.concat(given.map(({ type, length }) => encode(type, body(length).subarray(0, bound))));
        const cut = packetCutter(bound);
        const out: Uint8Array[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes[i % sizes.length]!;
          out.push(...cut(whole.subarray(at, at + size)));
          at += size;
        }
        expect(Buffer.concat(out).equals(expected)).toBe(true);
      }),
    );
  });

  it("refuses other packets above the bound, and length fields without an end", () => {
    expect(() => packetCutter(200)(encode(8, body(201)))).toThrow(expect.objectContaining({ code: "mqtt/protocol" }));
    const endless = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f);
    expect(() => packetCutter(200)(endless)).toThrow(expect.objectContaining({ code: "mqtt/protocol" }));
  });
});

describe("outbox", () => {
  const options: OutboxOptions = { maxMessages: 3, maxBytes: 1000, whenFull: "drop-oldest" };

  it("waits for a connection, and sends in order within the window", async () => {
    const box = outbox(options);
    const outcome = adding(
      box,
      ["a", "b", "c"].map((topic) => message(topic)),
    );
    const sent: string[] = [];
    const answers: ((result: SendResult) => void)[] = [];
    box.attach((one) => {
      sent.push(one.topic);
      return new Promise((resolve) => answers.push(resolve));
    }, 2);
    expect(sent).toEqual(["a", "b"]);
    answers[0]!("sent");
    await expect.poll(() => sent).toEqual(["a", "b", "c"]);
    expect([...outcome]).toEqual([["a", "sent"]]);
    // The connection breaks: what is open goes again, in order.
    box.detach();
    for (const answer of answers) answer("later");
    box.attach(
      (one) => Promise.resolve(one.topic === "b" ? { refused: appError("mqtt/not-authorized", "no") } : "sent"),
      2,
    );
    await box.drained();
    expect([...outcome]).toEqual([
      ["a", "sent"],
      ["b", "mqtt/not-authorized"],
      ["c", "sent"],
    ]);
    expect([box.messages, box.bytes, box.dropped]).toEqual([0, 0, 1]);
  });

  it("asks a broker that is unwilling again, but not for ever: what waits behind goes on", async () => {
    vi.useFakeTimers();
    try {
      const box = outbox(options);
      const outcome = adding(box, [message("a"), message("b")]);
      let asked = 0;
      box.attach(async ({ topic }) => {
        if (topic === "b") return "sent";
        asked += 1;
        return { unwilling: appError("mqtt/refused", "a: unspecified error") };
      }, 1);
      await vi.advanceTimersByTimeAsync(30_000);
      expect([asked > 20, outcome.size, box.messages]).toEqual([true, 0, 2]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect([...outcome]).toEqual([
        ["a", "mqtt/refused"],
        ["b", "sent"],
      ]);
      expect([asked, box.dropped]).toEqual([60, 1]);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ["drop-oldest", { a: "mqtt/outbox-full", b: "mqtt/closed", c: "mqtt/closed", d: "mqtt/closed" }],
    ["drop-newest", { a: "mqtt/closed", b: "mqtt/closed", c: "mqtt/closed", d: "mqtt/outbox-full" }],
  ] as const)("when full: %s", async (whenFull, expected) => {
    const box = outbox({ ...options, whenFull });
    const outcome = adding(
      box,
      ["a", "b", "c", "d"].map((topic) => message(topic)),
    );
    expect([box.messages, box.dropped]).toEqual([3, 1]);
    box.close();
    await expect.poll(() => Object.fromEntries(outcome)).toEqual(expected);
  });

  it("ends, and takes what comes, when its bound is lowered below what is on its way", async () => {
    let maxMessages = 3;
    const box = outbox({
      ...options,
      get maxMessages() {
        return maxMessages;
      },
    });
    adding(box, [message("a"), message("b"), message("c")]);
    box.attach(() => new Promise(() => {}), 3);
    maxMessages = 1;
    const outcome = adding(box, [message("d")]);
    await expect.poll(() => Object.fromEntries(outcome)).toEqual({ d: "mqtt/outbox-full" });
    expect(box.messages).toBe(3);
  });

  it("is bounded in bytes, and refuses at once what never fits", async () => {
    const box = outbox(options);
    const outcome = adding(box, [message("a", 600), message("b", 600), message("c", 2000)]);
    await expect.poll(() => Object.fromEntries(outcome)).toEqual({ a: "mqtt/outbox-full", c: "mqtt/outbox-full" });
    expect(box.bytes).toBe(601);
  });

  it("asks a broker again, in order, that has no room just now", async () => {
    vi.useFakeTimers();
    try {
      const box = outbox(options);
      const outcome = adding(
        box,
        ["a", "b", "c"].map((topic) => message(topic)),
      );
      const sent: string[] = [];
      let hasRoom = false;
      box.attach(async ({ topic }) => {
        sent.push(topic);
        return hasRoom ? "sent" : "later";
      }, 2);
      await vi.advanceTimersByTimeAsync(900);
      expect(sent).toEqual(["a", "b"]);
      hasRoom = true;
      await vi.advanceTimersByTimeAsync(200);
      expect(sent).toEqual(["a", "b", "a", "b", "c"]);
      expect([...outcome.values()]).toEqual(["sent", "sent", "sent"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("keeps only the newest retained message of a topic", async () => {
    const box = outbox(options);
    const promises = [box.add(message("s", 10, true)), box.add(message("x", 1)), box.add(message("s", 20, true))];
    expect([box.messages, box.bytes]).toEqual([2, 23]);
    const sizes: number[] = [];
    box.attach((one) => Promise.resolve(sizes.push(one.payload.length)).then(() => "sent" as const), 10);
    await Promise.all(promises);
    expect(sizes).toEqual([20, 1]);
  });
});

describe("backoffMs", () => {
  it("doubles to its maximum, between half and all of it", () => {
    const bounds = { minMs: 100, maxMs: 5000 };
    const at = (attempt: number, random: number): number => backoffMs(attempt, bounds, { uniform: () => random });
    expect([0, 1, 2, 10, 1000].map((attempt) => at(attempt, 0))).toEqual([50, 100, 200, 2500, 2500]);
    expect(at(1, 0.999_999)).toBeCloseTo(200);
  });
});

describe("endpointOf", () => {
  it("knows ports, TLS and IPv6", () => {
    expect(endpointOf("mqtt://broker", {})).toEqual({ host: "broker", port: 1883, tls: undefined });
    expect(endpointOf("mqtts://broker", { caFile: "ca" })).toEqual({
      host: "broker",
      port: 8883,
      tls: { caFile: "ca" },
    });
    const v6 = endpointOf("mqtt://[::1]:1999", {});
    expect(v6).toEqual({ host: "::1", port: 1999, tls: undefined });
    expect(placeOf(v6)).toBe("[::1]:1999");
  });
});

describe("mqttFault", () => {
  it.each([
    [{ code: 4 }, "mqtt/auth"],
    [{ code: 5 }, "mqtt/auth"],
    [{ code: 134 }, "mqtt/auth"],
    [{ code: 1 }, "mqtt/version"],
    [{ code: 132 }, "mqtt/version"],
    [{ code: 136 }, "mqtt/refused"],
    [{ code: "ECONNREFUSED" }, "mqtt/unreachable"],
    [{ code: "ENOTFOUND" }, "mqtt/unreachable"],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "mqtt/tls"],
    [{ code: "CERT_HAS_EXPIRED" }, "mqtt/tls"],
    [{ code: "ERR_TLS_CERT_ALTNAME_INVALID" }, "mqtt/tls"],
    [{ code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" }, "mqtt/tls"],
    [{ message: "Keepalive timeout" }, "mqtt/unreachable"],
    [{ message: "Invalid header flag bits" }, "mqtt/protocol"],
  ])("%j is %s", (error, code) => {
    const fault = mqttFault(Object.assign(new Error("told"), error), "broker:1883");
    expect(fault.code).toBe(code);
    expect(fault.message).toContain("broker:1883");
    expect(fault.cause).toBeInstanceOf(Error);
  });
});

function body(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
}

function encode(type: number, content: Uint8Array): Buffer {
  const low = content.length % 128;
  const high = Math.floor(content.length / 128);
  return Buffer.concat([Uint8Array.from(high === 0 ? [type << 4, low] : [type << 4, low | 128, high]), content]);
}

function message(topic: string, bytes = 1, retain = false): OutMessage {
  return { topic, payload: new Uint8Array(bytes), options: { qos: 1, retain } };
}

/** The outcome of each `add`, filled in as it comes. */
function adding(box: ReturnType<typeof outbox>, messages: OutMessage[]): Map<string, string> {
  const outcome = new Map<string, string>();
  for (const one of messages) {
    box.add(one).then(
      () => outcome.set(one.topic, "sent"),
      (error: { code: string }) => outcome.set(one.topic, error.code),
    );
  }
  return outcome;
}
