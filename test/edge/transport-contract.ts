import { filter, firstValueFrom, timeout } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import type { Transport, TransportState, TransportTopics } from "../../src/edge/transport.ts";
import type { RawMessage } from "../../src/stream/parts.ts";

export const contractTopics: TransportTopics = {
  durable: ["l2p/box/+/label/+", "l2p/box/command/+"],
  live: ["l2p/box/+/frame", "l2p/box/+/frame/+"],
  status: { topic: "l2p/box/status", lastWill: "offline" },
};
export const contractLimits = { maxFrameBytes: 200_000, maxLabelBytes: 10_000 };

export interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly retain: boolean;
}

/** Somebody else at the same broker. */
export interface Outside {
  publish(topic: string, payload: string | Uint8Array, options?: { qos?: 0 | 1; retain?: boolean }): Promise<void>;
  /** Resolves when subscribed; what comes is appended to the list. */
  subscribe(filter: string): Promise<Seen[]>;
}

/** One broker, at which nodes of one name come and go. */
export interface TransportWorld {
  /** A new transport of the node `box`, at most one at a time. */
  create(): Transport;
  readonly outside: Outside;
  end(): Promise<void>;
}

export interface Watched {
  readonly transport: Transport;
  readonly messages: RawMessage[];
  readonly states: TransportState[];
}

export function watch(transport: Transport): Watched {
  const messages: RawMessage[] = [];
  const states: TransportState[] = [];
  transport.raw$.subscribe((message) => messages.push(message));
  transport.state$.subscribe((state) => states.push(state));
  return { transport, messages, states };
}

export async function connected(transport: Transport): Promise<TransportState> {
  return firstValueFrom(transport.state$.pipe(filter(isConnected), timeout(20_000)));
}

export function isConnected(state: TransportState): boolean {
  return state.kind === "connected";
}

export function text(message: RawMessage): string {
  return new TextDecoder().decode(message.payload);
}

const soon = { timeout: 20_000, interval: 10 };

/** What every transport does, with the same broker under it before and after. */
export function transportContract(name: string, makeWorld: () => Promise<TransportWorld>, skip = false): void {
  describe.skipIf(skip)(`transport contract: ${name}`, () => {
    let world: TransportWorld | undefined;
    const open: Transport[] = [];

    async function start(): Promise<Watched> {
      world ??= await makeWorld();
      const watched = watch(world.create());
      open.push(watched.transport);
      watched.transport.open();
      await connected(watched.transport);
      return watched;
    }

    afterEach(async () => {
      for (const transport of open.splice(0)) await transport.close();
      await world?.end();
      world = undefined;
    });

    it("receives frames and labels with topic, bytes and QoS, and nothing else", async () => {
      const { messages } = await start();
      const image = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
      await world!.outside.publish("l2p/other/cam/frame", "x");
      await world!.outside.publish("l2p/box/cam/frame/f1", image, { qos: 0 });
      await world!.outside.publish("l2p/box/cam/label/f1", "Schraube ✓", { qos: 1 });
      await world!.outside.publish("l2p/box/command/snapshot", "{}", { qos: 1 });
      await expect.poll(() => messages.length, soon).toBe(3);
      const frame = messages.find(({ topic }) => topic === "l2p/box/cam/frame/f1")!;
      expect(frame.qos).toBe(0);
      expect(frame.retain).toBe(false);
      expect(Buffer.from(frame.payload).equals(Buffer.from(image))).toBe(true);
      const label = messages.find(({ topic }) => topic === "l2p/box/cam/label/f1")!;
      expect([text(label), label.qos]).toEqual(["Schraube ✓", 1]);
    });

    it("receives a message once that durable and live topics match", async () => {
      const { messages } = await start();
      await world!.outside.publish("l2p/box/command/frame", "{}", { qos: 1 });
      await world!.outside.publish("l2p/box/cam/frame", "image", { qos: 1 });
      await world!.outside.publish("l2p/box/command/snapshot", "{}", { qos: 1 });
      const topics = (): string[] => messages.map(({ topic }) => topic).toSorted();
      await expect.poll(topics, soon).toContain("l2p/box/command/snapshot");
      await expect.poll(topics, soon).toContain("l2p/box/cam/frame");
      expect(topics()).toEqual(["l2p/box/cam/frame", "l2p/box/command/frame", "l2p/box/command/snapshot"]);
    });

    it("takes in labels while earlier ones are not settled", async () => {
      const { messages } = await start();
      for (let i = 0; i < 10; i++) await world!.outside.publish(`l2p/box/cam/label/f${i}`, "nut", { qos: 1 });
      await expect.poll(() => messages.length, soon).toBe(10);
      expect(messages.map(({ topic }) => topic)).toEqual(messages.map((_, i) => `l2p/box/cam/label/f${i}`));
    });

    it("gives what was not settled again to the next transport, and what was settled not", async () => {
      const first = await start();
      for (let i = 0; i < 5; i++) await world!.outside.publish(`l2p/box/cam/label/f${i}`, "nut", { qos: 1 });
      await expect.poll(() => first.messages.length, soon).toBe(5);
      // Settled out of order: 0 and 1 may be acknowledged, 3 must wait for 2.
      for (const i of [3, 1, 0]) first.messages[i]!.settle();
      first.messages[0]!.settle();
      await first.transport.close();
      first.messages[4]!.settle(); // after the end: without effect

      await world!.outside.publish("l2p/box/cam/label/f5", "nut", { qos: 1 });
      const second = await start();
      await expect.poll(() => second.messages.length, soon).toBe(4);
      expect(second.messages.map(({ topic }) => topic.split("/").at(-1))).toEqual(["f2", "f3", "f4", "f5"]);
      for (const message of second.messages) message.settle();
      await second.transport.close();

      const third = await start();
      await world!.outside.publish("l2p/box/cam/label/f6", "nut", { qos: 1 });
      await expect.poll(() => third.messages.length, soon).toBeGreaterThan(0);
      expect(third.messages.map(({ topic }) => topic.split("/").at(-1))).toEqual(["f6"]);
    });

    it("keeps no frames for a node that is away", async () => {
      const first = await start();
      await first.transport.close();
      await world!.outside.publish("l2p/box/cam/frame/old", "image", { qos: 1 });
      const second = await start();
      await world!.outside.publish("l2p/box/cam/frame/new", "image", { qos: 1 });
      await expect.poll(() => second.messages.length, soon).toBeGreaterThan(0);
      expect(second.messages.map(({ topic }) => topic)).toEqual(["l2p/box/cam/frame/new"]);
    });

    it("delivers payloads above the limit cut to just above it, and goes on", async () => {
      const { messages } = await start();
      await world!.outside.publish("l2p/box/cam/frame/huge", new Uint8Array(2_000_000).fill(7), { qos: 1 });
      await expect.poll(() => messages.length, soon).toBe(1);
      expect(messages[0]!.payload.length).toBeGreaterThan(contractLimits.maxFrameBytes);
      expect(messages[0]!.payload.length).toBeLessThan(contractLimits.maxFrameBytes + 200_000);
      messages[0]!.settle();
      await world!.outside.publish("l2p/box/cam/frame/fine", "ok", { qos: 1 });
      await expect.poll(() => messages.length, soon).toBe(2);
      expect(text(messages[1]!)).toBe("ok");
    });

    it("publishes at both QoS, and resolves QoS 1 when the broker has it", async () => {
      const { transport } = await start();
      const seen = await world!.outside.subscribe("l2p/box/cam/+");
      await transport.publish("l2p/box/cam/prediction", '{"v":1}', { qos: 0 });
      await transport.publish("l2p/box/cam/learned", Uint8Array.of(65, 66), { qos: 1, expiryS: 60 });
      await expect.poll(() => seen.length, soon).toBe(2);
      expect(seen.map((one) => one.text)).toEqual(['{"v":1}', "AB"]);
      expect(transport.stats()).toEqual({ outboxMessages: 0, outboxBytes: 0, outboxDropped: 0, unsentQos0: 0 });
    });

    it("announces a retained status", async () => {
      const { transport } = await start();
      await transport.announce("warming");
      await transport.announce("online");
      const seen = await world!.outside.subscribe("l2p/box/status");
      await expect.poll(() => seen.length, soon).toBe(1);
      expect(seen[0]).toEqual({ topic: "l2p/box/status", text: "online", retain: true });
      await transport.announce("stopped");
      await transport.close();
      await expect.poll(() => seen.at(-1)?.text, soon).toBe("stopped");
    });

    it("reads a retained message, and says when there is none", async () => {
      const { transport, messages } = await start();
      await world!.outside.publish("l2p/elder/snapshot", "weights", { qos: 1, retain: true });
      await expect
        .poll(async () => (await transport.retained("l2p/elder/snapshot", 1000)) !== undefined, soon)
        .toBe(true);
      const again = await transport.retained("l2p/elder/snapshot", 10_000);
      expect(new TextDecoder().decode(again)).toBe("weights");
      expect(await transport.retained("l2p/nobody/snapshot", 50)).toBeUndefined();
      expect(messages).toEqual([]);
    });

    it("says that it is closed, and completes", async () => {
      const { transport, states } = await start();
      let completed = false;
      transport.raw$.subscribe({ complete: () => (completed = true) });
      await transport.close();
      expect(states.at(-1)).toEqual({ kind: "closed" });
      expect(completed).toBe(true);
      await expect(transport.publish("l2p/box/x", "y", { qos: 1 })).rejects.toMatchObject({ code: "mqtt/closed" });
      await expect(transport.publish("l2p/box/x", "y", { qos: 0 })).rejects.toMatchObject({ code: "mqtt/closed" });
    });
  });
}
