import { truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { freePort, mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Config, spawnNode, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { type Sender, sender } from "../support/sender.ts";

const started = cleanUps();

async function place(): Promise<Workplace> {
  return started(await workplace(), (one) => one.remove());
}

interface World {
  readonly observer: Observer;
  readonly cameras: Sender;
}

async function world(stream: Config[string]): Promise<World> {
  const { url } = started(await startMosquitto(), (one) => one.remove());
  const here = await place();
  const observer = started(await observe(url), (one) => one.end());
  const cameras = started(await sender(url, 5), (one) => one.end());
  started(await startNode(here.config({ mqtt: { url }, stream: { telemetryMs: 100, ...stream } })), (one) =>
    one.stop(),
  );
  await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
  return { observer, cameras };
}

let asked = 0;

/** The proof that the service goes on. */
async function expectGoodFrame({ observer, cameras }: World): Promise<void> {
  const frameId = `good${++asked}`;
  await cameras.frame("cam0", frameId, await picture("bolt", asked));
  const { message } = await observer.until("a good frame's prediction", () =>
    observer.said.prediction.find(({ message }) => message.frameId === frameId),
  );
  expect(message.frameId).toBe(frameId);
}

interface Door {
  readonly what: string;
  readonly send: (cameras: Sender) => Promise<void>;
  readonly code: string;
  /** The topic on which it is said. Default: the camera's. */
  readonly on?: string;
}

const photo = (): Promise<Buffer> =>
  sharp({ create: { width: 64, height: 64, channels: 3, background: "teal" } })
    .jpeg()
    .toBuffer();
const solid50MP = (): Promise<Buffer> =>
  sharp({ create: { width: 10_000, height: 5000, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
const frame =
  (bytes: () => Promise<Uint8Array> | Uint8Array, properties?: Record<string, string>) => async (s: Sender) =>
    s.frame("cam0", "bad", await bytes(), properties === undefined ? {} : { properties });
const label = (payload: string | Uint8Array) => (s: Sender) => s.label("cam0", "bad", payload);
const node = "l2p/box/rejected";

const doors: readonly Door[] = [
  { what: "what is no image", send: frame(() => Buffer.from("no image")), code: "image/format" },
  { what: "a label for that", send: label("bolt"), code: "image/format" },
  { what: "a PNG of 50 megapixels", send: frame(solid50MP), code: "image/too-many-pixels" },
  { what: "a JPEG cut short", send: frame(async () => (await photo()).subarray(0, -200)), code: "image/damaged" },
  {
    what: "a JPEG with its middle gone",
    send: frame(async () => {
      const whole = await photo();
      return Buffer.concat([whole.subarray(0, 200), whole.subarray(-4)]);
    }),
    code: "image/damaged",
  },
  { what: "no bytes at all", send: frame(() => new Uint8Array(0)), code: "frame/empty" },
  { what: "more bytes than a frame may have", send: frame(() => new Uint8Array(1_100_000)), code: "frame/too-large" },
  { what: "a property that is no time", send: frame(photo, { capturedAt: "noon" }), code: "frame/bad-property" },
  { what: "another id in the property", send: frame(photo, { frameId: "other" }), code: "frame/bad-property" },
  { what: "a bad label in the property", send: frame(photo, { label: " " }), code: "frame/bad-property" },
  { what: "no label", send: label(""), code: "label/empty" },
  { what: "a label of 10 kB", send: label("x".repeat(10_000)), code: "label/too-long" },
  { what: "a label that is no UTF-8", send: label(Uint8Array.of(0xff, 0xfe, 0x41)), code: "label/not-utf8" },
  { what: "a label with its line end", send: label("bolt\n"), code: "label/control-character" },
  { what: "broken JSON for a label", send: label('{"label": '), code: "label/bad-json" },
  {
    what: "a reserved camera name",
    send: (s) => s.publish("l2p/box/status/frame", "x"),
    code: "topic/reserved",
    on: node,
  },
  { what: "its label", send: (s) => s.publish("l2p/box/command/label/f1", "x"), code: "topic/reserved", on: node },
  {
    what: "a camera name with a blank",
    send: (s) => s.publish("l2p/box/my cam/frame", "x"),
    code: "topic/bad-id",
    on: node,
  },
  { what: "an empty camera name", send: (s) => s.publish("l2p/box//frame/f1", "x"), code: "topic/bad-id", on: node },
  { what: "a frame id with a blank", send: (s) => s.publish("l2p/box/cam0/frame/f 1", "x"), code: "topic/bad-id" },
  {
    what: "a frame id of 65 letters",
    send: (s) => s.publish(`l2p/box/cam0/label/${"f".repeat(65)}`, "x"),
    code: "topic/bad-id",
  },
];

const commands = [
  { what: "broken JSON", name: "snapshot", payload: '{"id": ', id: null, code: "command/bad-json" },
  {
    what: "bytes that are no UTF-8",
    name: "snapshot",
    payload: Uint8Array.of(0x7b, 0xff, 0x7d),
    id: null,
    code: "command/bad-json",
  },
  { what: "a list", name: "snapshot", payload: "[]", id: null, code: "command/bad-arguments" },
  {
    what: "a misspelt argument",
    name: "rollback",
    payload: '{"id":"a","step":1}',
    id: "a",
    code: "command/bad-arguments",
  },
  { what: "nothing", name: "forget-label", payload: "", id: null, code: "command/bad-json" },
  { what: "an unknown command", name: "format-disk", payload: '{"id":"b"}', id: "b", code: "command/unknown" },
  { what: "one named as a frame", name: "frame", payload: '{"id":"c"}', id: "c", code: "command/unknown" },
  { what: "20 kB", name: "snapshot", payload: `{"id":"${"x".repeat(20_000)}"}`, id: null, code: "command/too-large" },
  {
    what: "an unknown label",
    name: "forget-label",
    payload: '{"id":"d","label":"none"}',
    id: "d",
    code: "learner/unknown-label",
  },
  {
    what: "a checkpoint that is not there",
    name: "restore",
    payload: '{"id":"e","checkpoint":"../x"}',
    id: "e",
    code: "store/not-found",
  },
  {
    what: "more steps than there are",
    name: "rollback",
    payload: '{"id":"f","steps":9}',
    id: "f",
    code: "store/not-found",
  },
  {
    what: "a setting that is fixed",
    name: "set",
    payload: '{"id":"g","key":"mqtt.url","value":"x"}',
    id: "g",
    code: "command/not-settable",
  },
] as const;

describe.skipIf(mosquittoBinary === undefined)(`bad messages (${needsMosquitto})`, () => {
  it("are each answered with their code, and the next good frame is predicted", async () => {
    const here = await world({ maxFrameBytes: 1_000_000 });
    const { said } = here.observer;
    for (const { what, send, code, on = "l2p/box/cam0/rejected" } of doors) {
      const before = said.rejected.length;
      await send(here.cameras);
      const refused = await here.observer.until(`the refusal of ${what}`, () => said.rejected[before]);
      expect({ what, topic: refused.topic, code: refused.message.code }).toEqual({ what, topic: on, code });
      await expectGoodFrame(here);
      expect(said.rejected.length, `${what} is refused once`).toBe(before + 1);
    }
    // Nobody listens there: no answer, and no harm.
    for (const topic of [
      "l2p/box",
      "l2p/box/cam0",
      "l2p/box/cam0/frame/a/b",
      "l2p/box/cam0/label",
      "l2p/other/cam0/frame",
    ]) {
      await here.cameras.publish(topic, "x");
    }
    await expectGoodFrame(here);
    expect(said.rejected).toHaveLength(doors.length);
    expect(said.learned).toEqual([]);
    const telemetry = await here.observer.until("telemetry of them", () => {
      const told = said.telemetry.at(-1)?.message;
      return Object.values(told?.rejected ?? {}).reduce((a, b) => a + b, 0) === doors.length && told;
    });
    expect(telemetry.rejected).toMatchObject({ "image/format": 2, "image/damaged": 2, "frame/bad-property": 3 });
  });

  it("are replied to with their code and id, when they are commands", async () => {
    const here = await world({});
    const { said } = here.observer;
    for (const { what, name, payload, id, code } of commands) {
      const before = said.reply.length;
      await here.cameras.command(name, payload);
      const { topic, message } = await here.observer.until(`the reply to ${what}`, () => said.reply[before]);
      expect({ what, topic, ...message }).toMatchObject({ what, topic: `l2p/box/reply/${name}`, id, ok: false, code });
      await expectGoodFrame(here);
      expect(said.reply.length, `${what} is replied to once`).toBe(before + 1);
    }
    await here.cameras.client.publishAsync("l2p/box/command/snapshot", '{"id":"r"}', { qos: 1, retain: true });
    await here.cameras.command("snapshot", '{"id":"s"}');
    await here.observer.until("a good command", () =>
      said.reply.find(({ message }) => message.id === "s" && message.ok),
    );
  });
});

describe("a start that cannot be", () => {
  it("names all three mistakes of a configuration, and exits", async () => {
    const { folder } = await place();
    const refused = await spawnNode("mqtt:\n  url: http://x\nstreem: {}\nstate:\n  journalMaxBytes: lots\n", folder);
    expect(await refused.exited).toBe(1);
    const lines = refused.stderr().trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^l2p-edge: settings\/invalid: 3 faults\. /);
    expect(lines[1]).toMatch(/config\.yaml:2 mqtt\.url: must be like mqtt:/);
    expect(lines[2]).toMatch(/config\.yaml:3 streem: unknown key: did you mean `stream`\?/);
    expect(lines[3]).toMatch(/config\.yaml:5 state\.journalMaxBytes: must be a number/);
  });

  it("names a model file cut short, with and without a manifest", async () => {
    const here = await place();
    const file = join(here.folder, "model.safetensors");
    await truncate(file, 5000);
    await expect(startNode(here.config())).rejects.toMatchObject({ code: "model/hash" });
    const bare = here.config({ model: { path: file, provider: "cpu" } });
    await expect(startNode(bare)).rejects.toMatchObject({ code: "safetensors/cut-short" });
    await truncate(file, 4);
    await expect(startNode(bare)).rejects.toMatchObject({ code: "safetensors/cut-short" });
    await truncate(file, 0);
    await expect(startNode(bare)).rejects.toMatchObject({ code: "safetensors/cut-short" });
    const none = here.config({ model: { path: join(here.folder, "none") } });
    await expect(startNode(none)).rejects.toMatchObject({ code: "model/not-found" });
  });

  it("names a state folder that another process uses, whose node is not disturbed", async () => {
    const here = await place();
    const port = await freePort();
    const first = started(await startNode(here.config({ broker: { port } })), (one) => one.stop());
    const observer = started(await observe(first.brokerUrl), (one) => one.end());
    await observer.until("it to be online", () => observer.statuses.at(-1)?.text === "online");
    const refused = await spawnNode(here.config({ mqtt: { url: first.brokerUrl } }), here.folder);
    expect(await refused.exited).toBe(1);
    expect(refused.stderr()).toBe(
      `l2p-edge: state/locked: ${join(here.folder, "state")} is in use by process ${process.pid}. Stop the named process or wait for it, or give this one a folder of its own.\n`,
    );
    expect(new Set(observer.statuses.map(({ text }) => text))).not.toContain("stopped");
  });

  it("names a state folder that cannot be written", async () => {
    const here = await place();
    const file = join(here.folder, "file");
    await writeFile(file, "");
    const config = here.config({ state: { folder: join(file, "state") } });
    await expect(startNode(config)).rejects.toMatchObject({ code: "state/folder" });
  });

  it("names a port in use, of the page and of the embedded broker, and leaves nothing running", async () => {
    const here = await place();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    started(server, () => void server.close());
    const { port } = server.address() as { port: number };
    const page = here.config({ dashboard: { enabled: true, port } });
    await expect(startNode(page)).rejects.toMatchObject({ code: "dashboard/listen" });
    await expect(startNode(here.config({ broker: { port } }))).rejects.toMatchObject({ code: "broker/listen" });
    // The state folder was let go of.
    started(await startNode(here.config()), (one) => one.stop());
  });
});
