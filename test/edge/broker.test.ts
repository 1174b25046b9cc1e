import { connect as connectMqtt, connectAsync, type IConnackPacket, type MqttClient } from "mqtt";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Broker, embeddedBroker } from "../../src/edge/broker.ts";
import { packetBound } from "../../src/edge/bounded-socket.ts";

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function start(): Promise<Broker> {
  const broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1000, durableClientId: "box" });
  open.push(broker);
  return broker;
}

async function client(broker: Broker, clientId: string, clean: boolean): Promise<MqttClient> {
  const one = await connectAsync(broker.url, { clientId, clean, protocolVersion: 4, reconnectPeriod: 0 });
  open.push({ close: () => one.endAsync(true) });
  return one;
}

/** Listeners must be there before the first message. */
function connectTo(broker: Broker, clientId: string): MqttClient {
  const one = connectMqtt(broker.url, { clientId, clean: false, protocolVersion: 4, reconnectPeriod: 0 });
  open.push({ close: () => one.endAsync(true) });
  return one;
}

describe("the embedded broker", () => {
  it("listens on 127.0.0.1 and says where", async () => {
    const broker = await start();
    expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
    expect(broker.port).toBeGreaterThan(0);
  });

  it("says when its port is taken", async () => {
    const { port } = await start();
    await expect(embeddedBroker({ port, maxPayloadBytes: 1000, durableClientId: "box" })).rejects.toMatchObject({
      code: "broker/listen",
    });
  });

  it("keeps a session for the node only", async () => {
    const broker = await start();
    for (const id of ["box", "phone"]) {
      const one = await client(broker, id, false);
      await one.subscribeAsync("a/#", { qos: 1 });
      await one.endAsync();
    }
    const camera = await client(broker, "camera", true);
    await camera.publishAsync("a/b", "kept", { qos: 1 });
    const received: string[] = [];
    for (const id of ["phone", "box"]) {
      const one = connectTo(broker, id);
      one.on("message", (_topic, payload) => void received.push(`${id}: ${payload.toString()}`));
      const connack = await new Promise<IConnackPacket>((resolve) => one.once("connect", resolve));
      expect(connack.sessionPresent).toBe(id === "box");
    }
    await expect.poll(() => received).toEqual(["box: kept"]);
  });

  it("goes on after bytes that are no MQTT, and after packets that are too large", async () => {
    const broker = await start();
    const tooLarge = Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f); // CONNECT of 256 MB
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", tooLarge, Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0xff)]) {
      const socket = connect({ port: broker.port, host: "127.0.0.1" });
      socket.on("error", () => {});
      socket.write(bytes);
      await once(socket, "close");
    }
    const camera = await client(broker, "camera", true);
    const seen: number[] = [];
    camera.on("message", (_topic, payload) => void seen.push(payload.length));
    await camera.subscribeAsync("big");
    await camera.publishAsync("big", Buffer.alloc(2_000_000), { qos: 1 });
    await camera.publishAsync("big", Buffer.alloc(5), { qos: 1 });
    await expect.poll(() => seen.length).toBe(2);
    expect(seen[0]).toBeGreaterThan(1000);
    expect(seen[0]).toBeLessThan(packetBound(1000));
    expect(seen[1]).toBe(5);
  });
});
