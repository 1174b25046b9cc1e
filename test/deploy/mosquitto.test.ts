import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { beforeAll, describe, expect, it } from "vitest";
import { discoveryTopic } from "../../src/message/home-assistant.ts";
import { startNode, workplace } from "../support/node.ts";
import { freePort, mosquittoBinary, needsMosquitto } from "../support/mosquitto.ts";
import { cleanUps } from "../support/clean-up.ts";
import { hasProgram } from "../support/tools.ts";

const deploy = resolve(import.meta.dirname, "../../deploy/mosquitto");
const make = join(deploy, "make-certificates.sh");
const canTry = mosquittoBinary !== undefined && hasProgram("openssl") && hasProgram("mosquitto_passwd");
const started = cleanUps();

let folder = "";
const file = (name: string): Buffer => readFileSync(join(folder, name));
const certificates = (...args: string[]): string =>
  execFileSync("bash", [make, ...args], { cwd: folder, encoding: "utf8" });
const refused = (...args: string[]): string => {
  const { status, stderr } = spawnSync("bash", [make, ...args], { cwd: folder, encoding: "utf8" });
  expect(status).toBe(1);
  return stderr;
};

/** Mosquitto by deploy/mosquitto's files: only their places and ports are others. */
async function startBroker(more = ""): Promise<{ readonly password: number; readonly certificate: number }> {
  const [password, certificate] = [await freePort(), await freePort()];
  const config = readFileSync(join(deploy, "l2p-edge.conf"), "utf8")
    .replaceAll("/etc/mosquitto/certs/", `${folder}/`)
    .replaceAll("/etc/mosquitto/", `${folder}/`)
    .replace("listener 8883", `listener ${password} 127.0.0.1`)
    .replace("listener 8884", `listener ${certificate} 127.0.0.1`);
  // A mosquitto that root starts becomes another user, who may not read the folder.
  writeFileSync(join(folder, "mosquitto.conf"), `${process.getuid?.() === 0 ? "user root\n" : ""}${config}${more}\n`);
  const broker = spawn(mosquittoBinary!, ["-c", join(folder, "mosquitto.conf")], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [broker.stdout, broker.stderr]) stream.on("data", (text) => void (log += String(text)));
  started(broker, async () => {
    if (broker.exitCode === null && broker.kill()) await once(broker, "exit");
  });
  while (!(await accepts(certificate))) {
    if (broker.exitCode !== null) throw new Error(`mosquitto ended:\n${log}`);
    await new Promise((done) => setTimeout(done, 20));
  }
  return { password, certificate };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function client(port: number, options: IClientOptions): Promise<MqttClient> {
  const base = { protocolVersion: 5 as const, reconnectPeriod: 0, ca: file("ca.crt") };
  return started(await connectAsync(`mqtts://localhost:${port}`, { ...base, ...options }), (one) => one.endAsync(true));
}

const byCertificate = (name: string): IClientOptions => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) });
const byPassword = (username: string): IClientOptions => ({ username, password: `secret of ${username}` });

/** MQTT 5 says with the PUBACK whether a publication was let through. */
const publishes = async (one: MqttClient, topic: string): Promise<boolean> => {
  try {
    const answer = await one.publishAsync(topic, "x", { qos: 1 });
    return ((answer as { reasonCode?: number } | undefined)?.reasonCode ?? 0) < 0x80;
  } catch (error) {
    if (/not authorized/i.test(String(error))) return false;
    throw error;
  }
};

describe.skipIf(!canTry)(`deploy/mosquitto (${needsMosquitto}, mosquitto-clients, openssl)`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "l2p-plant-"));
    mkdirSync(folder, { recursive: true });
    certificates("ca");
    certificates("server", "localhost", "127.0.0.1");
    for (const name of ["box-1", "box-2", "camera-1"]) certificates("client", name);
    writeFileSync(join(folder, "l2p-edge.acl"), readFileSync(join(deploy, "l2p-edge.acl")), { mode: 0o600 });
    const users = join(folder, "l2p-edge.passwd");
    writeFileSync(users, "", { mode: 0o600 });
    for (const name of ["box-1", "camera-1", "operator", "homeassistant"]) {
      execFileSync("mosquitto_passwd", ["-b", users, name, `secret of ${name}`], { stdio: "ignore" });
    }
    return () => rm(folder, { recursive: true });
  });

  it("makes certificates of one authority, with keys that others cannot read", () => {
    for (const name of ["server", "box-1"]) {
      expect(spawnSync("openssl", ["verify", "-CAfile", "ca.crt", `${name}.crt`], { cwd: folder }).status).toBe(0);
      expect(statSync(join(folder, `${name}.key`)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(folder, "ca.key")).mode & 0o777).toBe(0o600);
  });

  it("refuses names that are none, and a second authority over the first", () => {
    const before = file("ca.key");
    expect(refused("ca")).toContain("ca.key is here already");
    expect(refused("client", "../box-1")).toContain("a name is");
    expect(refused("client", "ca")).toContain("another file");
    expect(refused("server", "localhost,IP:10.0.0.1")).toContain("no host name");
    expect(refused()).toContain("usage");
    expect(file("ca.key")).toEqual(before);
  });

  it("lets a node use its own topics and no other's, by certificate and by password", async () => {
    const { password, certificate } = await startBroker();
    for (const [port, options] of [
      [certificate, byCertificate("box-1")],
      [password, byPassword("box-1")],
    ] as const) {
      const box = await client(port, options);
      expect(await publishes(box, "l2p/box-1/status")).toBe(true);
      expect(await publishes(box, "l2p/box-1/camera-1/prediction")).toBe(true);
      expect(await publishes(box, "l2p/box-2/status")).toBe(false);
      expect(await publishes(box, "l2p/box-10/status")).toBe(false);
      // A foreign subscription is granted, but nothing comes by it: what counts is who hears.
      const heard: string[] = [];
      box.on("message", (topic) => heard.push(topic));
      await box.subscribeAsync(["l2p/box-1/#", "l2p/box-2/#", "#"], { qos: 1 }).catch(() => {});
      await (await client(certificate, byCertificate("box-2"))).publishAsync("l2p/box-2/c/label/f", "bolt", { qos: 1 });
      await (
        await client(certificate, byCertificate("camera-1"))
      ).publishAsync("l2p/box-1/camera-1/label/f", "x", { qos: 1 });
      await expect.poll(() => heard).toContain("l2p/box-1/camera-1/label/f");
      expect(heard.filter((topic) => !topic.startsWith("l2p/box-1/"))).toEqual([]);
    }
  });

  it("lets a camera say what it sees and nothing more, and an operator command and read", async () => {
    const { password } = await startBroker();
    const camera = await client(password, byPassword("camera-1"));
    expect(await publishes(camera, "l2p/box-1/camera-1/frame/f1")).toBe(true);
    expect(await publishes(camera, "l2p/box-1/camera-2/frame/f1")).toBe(false);
    expect(await publishes(camera, "l2p/box-1/command/forget-label")).toBe(false);
    expect(await publishes(camera, "l2p/box-1/camera-1/prediction")).toBe(false);
    const operator = await client(password, byPassword("operator"));
    expect(await publishes(operator, "l2p/box-1/command/snapshot")).toBe(true);
    expect(await publishes(operator, "l2p/box-1/camera-1/label/f1")).toBe(false);
  });

  it("lets a node tell Home Assistant of itself alone, and Home Assistant say that it started and press buttons", async () => {
    const { password, certificate } = await startBroker();
    const box = await client(certificate, byCertificate("box-1"));
    const own = discoveryTopic("homeassistant", "l2p", "box-1");
    expect(await publishes(box, own)).toBe(true);
    expect(await publishes(box, discoveryTopic("homeassistant", "l2p", "box-2"))).toBe(false);
    expect(await publishes(box, "homeassistant/status")).toBe(false);
    expect(await publishes(box, "homeassistant/sensor/x/config")).toBe(false);
    const heard: string[] = [];
    box.on("message", (topic) => heard.push(topic));
    await box.subscribeAsync(["homeassistant/status", own], { qos: 1 });

    const home = await client(password, byPassword("homeassistant"));
    const seen: string[] = [];
    home.on("message", (topic) => seen.push(topic));
    await home.subscribeAsync(["homeassistant/#", "l2p/+/status", "l2p/+/+/frame/+"], { qos: 1 });
    expect(await publishes(home, "homeassistant/status")).toBe(true);
    expect(await publishes(home, "l2p/box-1/command/pause-learning")).toBe(true);
    expect(await publishes(home, "l2p/box-1/command/set")).toBe(false);
    expect(await publishes(box, own)).toBe(true);
    expect(await publishes(box, "l2p/box-1/camera-1/frame/f1")).toBe(true);
    expect(await publishes(box, "l2p/box-1/status")).toBe(true);
    await expect.poll(() => heard).toContain("homeassistant/status");
    await expect.poll(() => heard).toContain(own);
    await expect.poll(() => seen).toContain("l2p/box-1/status");
    expect(seen).toContain(own);
    expect(seen.filter((topic) => topic.includes("/frame/"))).toEqual([]);
  });

  it("lets a node with homeAssistant.enabled be found: its own message arrives, and nothing is refused", async () => {
    const { certificate, password } = await startBroker();
    const home = await client(password, byPassword("homeassistant"));
    const seen: string[] = [];
    home.on("message", (topic, payload) => seen.push(`${topic} ${payload.length > 0}`));
    await home.subscribeAsync("homeassistant/#", { qos: 1 });
    const here = started(await workplace(), (one) => one.remove());
    const tls = {
      caFile: join(folder, "ca.crt"),
      certFile: join(folder, "box-1.crt"),
      keyFile: join(folder, "box-1.key"),
    };
    const mqtt = { url: `mqtts://localhost:${certificate}`, tls };
    const more = { node: { id: "box-1" }, mqtt, homeAssistant: { enabled: true } };
    const node = started(await startNode(here.config(more)), (one) => one.stop());
    const topic = discoveryTopic("homeassistant", "l2p", "box-1");
    await expect.poll(() => seen, { timeout: 20_000 }).toContain(`${topic} true`);
    await home.publishAsync("homeassistant/status", "online", { qos: 1 });
    await expect.poll(() => seen.filter((one) => one === `${topic} true`).length, { timeout: 20_000 }).toBe(2);
    expect(node.log.filter((line) => line.includes("nothing goes out"))).toEqual([]);
  });

  it("lets nobody in without TLS, a password or a certificate of this authority", async () => {
    const { password, certificate } = await startBroker();
    await expect(client(password, {})).rejects.toThrow(/not authorized/i);
    await expect(client(password, { ...byPassword("box-1"), password: "wrong" })).rejects.toThrow(/not authorized/i);
    await expect(client(certificate, byPassword("box-1"))).rejects.toThrow(/./);
    await expect(client(password, { ...byPassword("box-1"), ca: file("box-1.crt") })).rejects.toThrow(/certificate/);
    const plain = { reconnectPeriod: 0, connectTimeout: 2000, ...byPassword("box-1") };
    await expect(connectAsync(`mqtt://localhost:${password}`, plain)).rejects.toThrow(/./);
  });

  it("keeps a revoked certificate out", async () => {
    certificates("client", "box-3");
    const first = byCertificate("box-3");
    certificates("client", "box-3"); // renewed: the key before may be in anyone's hands
    certificates("revoke", "box-3");
    const { certificate } = await startBroker(`crlfile ${folder}/ca.crl`);
    await client(certificate, byCertificate("box-1"));
    for (const revoked of [first, byCertificate("box-3")]) {
      await expect(client(certificate, revoked)).rejects.toThrow(/./);
    }
    expect(() => certificates("revoke", "box-3")).toThrow(/./);
  });
});
