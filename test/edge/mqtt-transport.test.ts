import { Aedes } from "aedes";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { embeddedBroker } from "../../src/edge/broker.ts";
import { openConnection } from "../../src/edge/mqtt-connection.ts";
import { endpointOf } from "../../src/edge/mqtt-socket.ts";
import type { MqttTransportOptions } from "../../src/edge/mqtt-transport.ts";
import {
  freePort,
  type Mosquitto,
  mosquittoBinary,
  type MosquittoOptions,
  startMosquitto,
} from "../support/mosquitto.ts";
import { heapBytes } from "../support/heap.ts";
import { boxOptions, clientId, mqttTransport, type OutsideClient, outsideClient } from "../support/mqtt-world.ts";
import { connected, contractLimits, isConnected, text, watch, type Watched } from "./transport-contract.ts";

const soon = { timeout: 20_000, interval: 10 };
const cleanUps: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function box(url: string, more: Partial<MqttTransportOptions> = {}): Watched {
  const watched = watch(mqttTransport(boxOptions(url, more)));
  cleanUps.push(() => watched.transport.close());
  watched.transport.open();
  return watched;
}

async function mosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const started = await startMosquitto(options);
  cleanUps.push(() => started.remove());
  return started;
}

async function outside(url: string, version: 4 | 5 = 4): Promise<OutsideClient> {
  const client = await outsideClient(url, version);
  cleanUps.push(() => client.end());
  return client;
}

async function listening(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A line to the broker that can be cut without a goodbye. */
async function proxy(port: number): Promise<{ url: string; cut: () => void }> {
  const ends = new Set<Socket>();
  const url = await listening((near) => {
    const far = connect({ port, host: "127.0.0.1" }).on("error", () => {});
    for (const end of [near, far]) ends.add(end);
    near.pipe(far);
    far.pipe(near);
  });
  return { url, cut: () => ends.forEach((end) => end.destroy()) };
}

async function firstFault({ states }: Watched): Promise<string> {
  await expect.poll(() => states.some(({ kind }) => kind === "offline"), soon).toBe(true);
  const state = states.find(({ kind }) => kind === "offline");
  return state?.kind === "offline" ? state.fault.code : "";
}

function ids({ messages }: Watched): string[] {
  return messages.map(({ topic }) => topic.split("/").at(-1)!);
}

describe("faults", () => {
  it("names a broker that is not there", async () => {
    const watched = box(`mqtt://127.0.0.1:${await freePort()}`);
    expect(await firstFault(watched)).toBe("mqtt/unreachable");
  });

  it("names a host that does not exist", async () => {
    expect(await firstFault(box("mqtt://nobody.invalid"))).toBe("mqtt/unreachable");
  });

  it("names a broker that closes without an answer, after trying both versions", async () => {
    const versions: number[] = [];
    const url = await listening((socket) => {
      socket.once("data", (connect) => {
        versions.push(connect[8]!);
        socket.destroy();
      });
    });
    expect(await firstFault(box(url))).toMatch(/^mqtt\/(no-answer|unreachable)$/);
    expect(new Set(versions)).toEqual(new Set([4, 5]));
  });

  it("names what is no MQTT", async () => {
    const url = await listening((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await firstFault(box(url, { version: 5 }))).toBe("mqtt/protocol");
  });

  it("names a broker that never answers", async () => {
    const url = await listening(() => {});
    const options = boxOptions(url);
    const watched = box(url, { connection: { ...options.connection, connectTimeoutMs: 50 } });
    expect(await firstFault(watched)).toBe("mqtt/unreachable");
  });

  it("names a version that the broker does not speak, when told to use only that", async () => {
    const broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1000, durableClientId: clientId });
    cleanUps.push(() => broker.close());
    expect(await firstFault(box(broker.url, { version: 5 }))).toBe("mqtt/version");
  });

  it("names the topics that it may not subscribe to, and tries again", async () => {
    let allowed = false;
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, allowed || !subscription.topic.includes("label") ? subscription : null),
    });
    cleanUps.push(() => new Promise<void>((resolve) => aedes.close(resolve)));
    const watched = box(await listening((socket) => void aedes.handle(socket)));
    expect(await firstFault(watched)).toBe("mqtt/not-authorized");
    const state = watched.states.find(({ kind }) => kind === "offline");
    expect(state?.kind === "offline" && state.fault.message).toContain("l2p/box/+/label/+");
    expect(state?.kind === "offline" && state.fault.message).not.toContain("command");
    allowed = true;
    await connected(watched.transport);
  });
});

describe("an answer to what was sent", () => {
  it.each([
    [0x00, "sent"],
    [0x10, "sent"], // no subscribers
    [0x80, "unwilling mqtt/refused"],
    [0x83, "unwilling mqtt/refused"],
    [0x91, "later"],
    [0x97, "later"],
    [0x87, "mqtt/not-authorized"],
    [0x90, "mqtt/refused"],
    [0x99, "mqtt/refused"],
  ])("of code %i is: %s", async (code, expected) => {
    const url = await listening((socket) =>
      socket.on("data", (packet) => {
        if (packet[0] === 0x10) socket.write(Uint8Array.of(0x20, 3, 0, 0, 0));
        // type, length, length of the topic "t" (2 bytes), "t", the id (2 bytes)
        else if (packet[0] === 0x32) socket.write(Uint8Array.of(0x40, 3, packet[5]!, packet[6]!, code));
      }),
    );
    const { connection: common } = boxOptions(url);
    const connection = await openConnection(
      { ...common, clientId, filters: [], maxPayloadBytes: 1000, onMessage: () => {} },
      5,
    );
    cleanUps.push(() => connection.close());
    const result = await connection.send({ topic: "t", payload: Uint8Array.of(1), options: { qos: 1 } });
    const said = typeof result === "string" || "refused" in result ? result : `unwilling ${result.unwilling.code}`;
    expect(typeof said === "string" ? said : said.refused.code).toBe(expected);
  });
});

describe("the status", () => {
  it("is said when frames are heard as well as labels", async () => {
    const events: string[] = [];
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) => {
        const isFrames = subscription.topic.includes("/frame");
        setTimeout(
          () => {
            events.push(isFrames ? "frames" : "labels");
            done(null, subscription);
          },
          isFrames ? 100 : 0,
        );
      },
      authorizePublish: (_client, { payload }, done) => {
        events.push(payload.toString());
        done(null);
      },
    });
    cleanUps.push(() => new Promise<void>((resolve) => aedes.close(resolve)));
    const watched = box(await listening((socket) => void aedes.handle(socket)));
    await watched.transport.announce("online");
    expect(events.at(-1)).toBe("online");
    expect(new Set(events.slice(0, -1))).toEqual(new Set(["labels", "frames"]));
    await watched.transport.close();
    await expect(watched.transport.announce("late")).rejects.toMatchObject({ code: "mqtt/closed" });
  });

  it("is said at the end by a node that never heard frames", async () => {
    const events: string[] = [];
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.includes("/frame") ? null : subscription),
      authorizePublish: (_client, { payload }, done) => {
        events.push(payload.toString());
        done(null);
      },
    });
    cleanUps.push(() => new Promise<void>((resolve) => aedes.close(resolve)));
    const watched = box(await listening((socket) => void aedes.handle(socket)));
    expect(await firstFault(watched)).toBe("mqtt/not-authorized");
    const said = watched.transport.announce("stopped");
    await watched.transport.close();
    await said;
    expect(events).toEqual(["stopped"]);
  });
});

describe("the embedded broker's MQTT 3.1.1", () => {
  it("is found without a fault or a wait", async () => {
    const broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1000, durableClientId: clientId });
    cleanUps.push(() => broker.close());
    const watched = box(broker.url, { backoff: { minMs: 60_000, maxMs: 60_000 } });
    expect(await connected(watched.transport)).toEqual({ kind: "connected", version: 4, resumed: false });
    expect(watched.states.map(({ kind }) => kind)).toEqual(["connecting", "connected"]);
  });
});

it("keeps nothing of a message that was sent, however long the connection lasts", async () => {
  const broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1000, durableClientId: clientId });
  cleanUps.push(() => broker.close());
  const { connection: common } = boxOptions(broker.url);
  const connection = await openConnection(
    { ...common, clientId, filters: [], maxPayloadBytes: 1000, onMessage: () => {} },
    4,
  );
  cleanUps.push(() => connection.close());
  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      expect(await connection.send({ topic: "t", payload: Uint8Array.of(1), options: { qos: 0 } })).toBe("sent");
    }
  };
  await send(2000);
  const before = heapBytes();
  await send(10_000);
  // A promise that waits for the connection's end would hold some 500 bytes each.
  expect(heapBytes() - before).toBeLessThan(1_500_000);
});

for (const version of [5, 4] as const) {
  describe.skipIf(mosquittoBinary === undefined)(`at Mosquitto, MQTT ${version === 5 ? "5" : "3.1.1"}`, () => {
    it("gets the labels that came while it was down, over restarts of the broker", async () => {
      const broker = await mosquitto();
      const first = box(broker.url, { version });
      await connected(first.transport);
      await first.transport.close();
      const trainer = await outside(broker.url);
      for (let i = 0; i < 50; i++) await trainer.publish(`l2p/box/cam/label/f${i}`, "nut", { qos: 1 });
      await broker.restart();
      const second = box(broker.url, { version });
      expect(await connected(second.transport)).toEqual({ kind: "connected", version, resumed: true });
      // More than the broker sends unacknowledged: each is settled as it comes.
      second.transport.raw$.subscribe((message) => message.settle());
      for (const message of second.messages) message.settle();
      await expect.poll(() => second.messages.length, soon).toBe(50);
      expect(ids(second)).toEqual(Array.from({ length: 50 }, (_, i) => `f${i}`));
    });

    it("gets unsettled labels again after the broker's restart, and sends what waited", async () => {
      const broker = await mosquitto();
      const watched = box(broker.url, { version });
      await connected(watched.transport);
      await watched.transport.announce("online");
      const trainer = await outside(broker.url);
      for (const id of ["a", "b", "c"]) await trainer.publish(`l2p/box/cam/label/${id}`, "nut", { qos: 1 });
      await expect.poll(() => watched.messages.length, soon).toBe(3);
      watched.messages[0]!.settle();
      const seen = await trainer.subscribe("l2p/box/#");
      // The PUBACK is on its way when a message sent after it has arrived.
      await watched.transport.publish("l2p/box/cam/learned", "before", { qos: 1 });

      await broker.stop();
      await expect.poll(() => watched.states.at(-1)!.kind, soon).toBe("offline");
      watched.messages[1]!.settle(); // of the old connection: must not be acknowledged on the new one
      const sent = watched.transport.publish("l2p/box/cam/learned", "meanwhile", { qos: 1, retain: true });
      await watched.transport.publish("l2p/box/cam/prediction", "lost", { qos: 0 });
      expect(watched.transport.stats()).toMatchObject({ outboxMessages: 1, outboxDropped: 0, unsentQos0: 1 });
      await broker.start();

      await sent;
      await expect.poll(() => watched.messages.length, soon).toBe(5);
      expect(ids(watched)).toEqual(["a", "b", "c", "b", "c"]);
      await expect.poll(() => seen.map((one) => one.text), soon).toContain("meanwhile");
      await expect.poll(() => seen.filter((one) => one.text === "online").length, soon).toBeGreaterThan(1);
      expect(seen.map((one) => one.text)).not.toContain("lost");
      expect(watched.states.filter(isConnected)).toHaveLength(2);
    });

    it("takes in a bounded number of labels, and goes on when they are settled", async () => {
      const broker = await mosquitto({ config: () => ["max_inflight_messages 0"] });
      const options = boxOptions(broker.url);
      const watched = box(broker.url, { version, connection: { ...options.connection, receiveWindow: 3 } });
      await connected(watched.transport);
      const trainer = await outside(broker.url);
      for (let i = 0; i < 40; i++) await trainer.publish(`l2p/box/cam/label/f${i}`, "nut", { qos: 1 });
      await trainer.publish("l2p/box/cam/frame/photo", "a frame comes all the same");
      await expect.poll(() => ids(watched), soon).toContain("photo");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(watched.messages.length).toBeGreaterThan(3);
      expect(watched.messages.length).toBeLessThanOrEqual(1 + 4 * 3 + 1);
      watched.transport.raw$.subscribe((message) => message.settle());
      for (const message of watched.messages) message.settle();
      await expect.poll(() => watched.messages.length, soon).toBe(41);
    });

    it("leaves `offline` behind when the line is cut, and says `online` again", async () => {
      const broker = await mosquitto();
      const line = await proxy(broker.port);
      const watched = box(line.url, { version });
      await connected(watched.transport);
      await watched.transport.announce("online");
      const observer = await outside(broker.url);
      const seen = await observer.subscribe("l2p/box/status");
      await expect.poll(() => seen.length, soon).toBe(1);
      line.cut();
      await expect.poll(() => seen.map((one) => one.text), soon).toEqual(["online", "offline", "online"]);
      expect(await firstFault(watched)).toBe("mqtt/unreachable");
    });

    it("notices that another client takes its session again and again", async () => {
      const broker = await mosquitto();
      const watched = box(broker.url, { version });
      await connected(watched.transport);
      box(broker.url, { version });
      const codes = (): string[] =>
        watched.states.flatMap((state) => (state.kind === "offline" ? [state.fault.code] : []));
      await expect.poll(codes, soon).toContain("mqtt/taken-over");
    });

    it("logs in with name and password, and says when they are wrong", async () => {
      const broker = await mosquitto({ anonymous: false, config: (folder) => [`password_file ${passwords(folder)}`] });
      const { connection } = boxOptions(broker.url);
      const wrong = box(broker.url, { version, connection: { ...connection, username: "box", password: "wrong" } });
      expect(await firstFault(wrong)).toBe("mqtt/auth");
      await wrong.transport.close();
      const right = box(broker.url, { version, connection: { ...connection, username: "box", password: "sesame" } });
      await connected(right.transport);
    });

    it("connects by TLS to a certificate of its CA only, for the right name", async () => {
      const broker = await mosquitto({ scheme: "mqtts", config: (folder) => certificates(folder) });
      const { connection } = boxOptions(broker.url);
      const at = (tls: Parameters<typeof endpointOf>[1]): Watched =>
        box(broker.url, { version, connection: { ...connection, endpoint: endpointOf(broker.url, tls) } });
      const caFile = join(broker.folder, "ca.crt");
      expect(await firstFault(at({}))).toBe("mqtt/tls");
      expect(await firstFault(at({ caFile, serverName: "elsewhere.example" }))).toBe("mqtt/tls");
      expect(await firstFault(at({ caFile: join(broker.folder, "missing") }))).toBe("mqtt/tls");
      expect(await firstFault(at({ caFile: join(broker.folder, "mosquitto.conf"), serverName: "localhost" }))).toBe(
        "mqtt/tls",
      );
      const right = at({ caFile, serverName: "localhost" });
      await connected(right.transport);
    });
  });
}

describe.skipIf(mosquittoBinary === undefined)("MQTT 5 at Mosquitto", () => {
  it("hands over user properties, the last of equal names", async () => {
    const broker = await mosquitto();
    const watched = box(broker.url);
    await connected(watched.transport);
    const camera = await outside(broker.url, 5);
    await camera.client.publishAsync("l2p/box/cam/frame", "image", {
      properties: { userProperties: { frameId: ["a", "f7"], label: "nut", ["__proto__"]: "x" } },
    });
    await expect.poll(() => watched.messages.length, soon).toBe(1);
    expect(watched.messages[0]!.properties.get("frameId")).toBe("f7");
    expect(watched.messages[0]!.properties.get("label")).toBe("nut");
    expect(text(watched.messages[0]!)).toBe("image");
  });

  it("is not stopped by labels too large for a label", async () => {
    const broker = await mosquitto();
    const watched = box(broker.url);
    await connected(watched.transport);
    const trainer = await outside(broker.url, 5);
    const huge = Buffer.alloc(contractLimits.maxLabelBytes + 500_000, 65);
    await trainer.publish("l2p/box/cam/label/huge", huge, { qos: 1 });
    await trainer.publish("l2p/box/cam/label/fine", "nut", { qos: 1 });
    await expect.poll(() => ids(watched), soon).toContain("fine");
    expect(watched.states.map(({ kind }) => kind)).toEqual(["connecting", "connected"]);
  });
});

function passwords(folder: string): string {
  const file = join(folder, "passwords");
  execFileSync("mosquitto_passwd", ["-b", "-c", file, "box", "sesame"]);
  return file;
}

/** A CA and a certificate for `localhost` signed by it, as lines for mosquitto.conf. */
function certificates(folder: string): string[] {
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test CA", "-days", "2");
  openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  writeFileSync(join(folder, "san.cnf"), "subjectAltName=DNS:localhost\n");
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san.cnf", "-days", "2"];
  openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", ...sign);
  return [`certfile ${join(folder, "server.crt")}`, `keyfile ${join(folder, "server.key")}`];
}
