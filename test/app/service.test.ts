import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { firstValueFrom, skip, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { type Mosquitto, mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Config, type Node, spawnNode, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { type Sender, sender } from "../support/sender.ts";

const started = cleanUps();
interface World {
  readonly place: Workplace;
  readonly node: Node;
  readonly observer: Observer;
  readonly cameras: Sender;
}

async function watch(url: string, version: 4 | 5 = 4): Promise<Observer> {
  return started(await observe(url, "box", version), (one) => one.end());
}

async function mosquitto(): Promise<Mosquitto> {
  return started(await startMosquitto(), (one) => one.remove());
}

/** A node that is online, and clients of the given version around it. */
async function world(version: 4 | 5, config: Config): Promise<World> {
  const place = started(await workplace(), (one) => one.remove());
  const node = started(await startNode(place.config(config)), (one) => one.stop());
  const observer = await watch(node.brokerUrl, version);
  const cameras = started(await sender(node.brokerUrl, version), (one) => one.end());
  await observer.until("the node to be online", () => observer.statuses.some(({ text }) => text === "online"));
  return { place, node, observer, cameras };
}

/** Frames in the order in which they were first said to be learned: QoS 1 may say it twice. */
function learnedFrames({ said }: Observer): string[] {
  return [...new Set(said.learned.map(({ message }) => message.frameId))];
}

function learnedOf({ said }: Observer, frameId: string): Observer["said"]["learned"] {
  return said.learned.filter(({ message }) => message.frameId === frameId);
}

const brokers = [
  { name: "Mosquitto, MQTT 5", version: 5, needs: true, setting: 5 },
  { name: "Mosquitto, MQTT 3.1.1", version: 4, needs: true, setting: 4 },
  {
    name: "the embedded broker, which knows 3.1.1 only, by mqtt.version auto",
    version: 4,
    needs: false,
    setting: "auto",
  },
] as const;

for (const { name, version, needs, setting } of brokers) {
  const title = needs && mosquittoBinary === undefined ? `${name} (${needsMosquitto})` : name;
  describe.skipIf(needs && mosquittoBinary === undefined)(`a node at ${title}`, () => {
    const at = async (): Promise<Config> => {
      const url = needs ? { url: (await mosquitto()).url } : {};
      // A window of 6 frames: what is late is late by count, without a wait.
      return { mqtt: { ...url, version: setting }, stream: { labelWindowFrames: 6 } };
    };

    it("predicts every frame, learns every label once, whenever it comes, and says everything by its schema", async () => {
      const { node, observer, cameras } = await world(version, await at());
      const { said } = observer;
      expect(node.log.join("")).toContain(version === 5 ? "MQTT 5" : "MQTT 3.1.1");

      // With an id, before any label.
      await cameras.frame("cam0", "f1", await picture("bolt", 1));
      const first = await observer.until("the first prediction", () => said.prediction[0]);
      expect(first.message).toMatchObject({ frameId: "f1", label: null, confidence: 0, poolVersion: 0 });

      // Without one: the node says which it gave, and a label may use it.
      await cameras.frame("cam1", undefined, await picture("nut", 2), { qos: 0 });
      const given = await observer.until("a prediction for a frame without id", () =>
        said.prediction.find((p) => p.camera === "cam1"),
      );
      await cameras.label("cam1", given.message.frameId, "nut");
      await observer.until("that frame to be learned", () => learnedOf(observer, given.message.frameId)[0]);

      // After, then before its frame, and as JSON.
      await cameras.label("cam0", "f1", "bolt");
      const after = await observer.until("a label after its frame", () => learnedOf(observer, "f1")[0]);
      expect(after.message).toMatchObject({
        label: "bolt",
        predicted: null,
        correct: false,
        durable: true,
        replayed: false,
      });
      await cameras.label("cam0", "f2", '{"label": "nut"}');
      await cameras.frame("cam0", "f2", await picture("nut", 3));
      const before = await observer.until("a label before its frame", () => learnedOf(observer, "f2")[0]);
      expect(before.message).toMatchObject({ label: "nut", correction: false });
      const predicted = await observer.until("f2's prediction", () =>
        said.prediction.find((p) => p.message.frameId === "f2"),
      );
      expect(before.message.predicted).toBe(predicted.message.label);
      expect(["bolt", "nut"]).toContain(predicted.message.label);

      // The same again, then another: a duplicate and a correction.
      await cameras.label("cam0", "f2", "nut");
      await observer.until("the duplicate to be counted", () => said.telemetry.at(-1)?.message.totals.duplicates === 1);
      await cameras.label("cam0", "f2", "bolt");
      const correction = await observer.until("the correction", () => learnedOf(observer, "f2")[1]);
      expect(correction.message).toMatchObject({ label: "bolt", correction: true });

      // Minutes later: other frames came meanwhile.
      await cameras.frame("cam0", "early", await picture("bolt", 4));
      for (const i of [1, 2, 3]) await cameras.frame("cam0", `between${i}`, await picture("nut", 10 + i));
      await cameras.label("cam0", "early", "bolt");
      await observer.until("a label long after its frame", () => learnedOf(observer, "early")[0]);

      // Later than that: the frame has left the window.
      for (const i of [4, 5, 6, 7, 8, 9]) await cameras.frame("cam0", `between${i}`, await picture("nut", 10 + i));
      await observer.until("all frames to be seen", () => said.telemetry.at(-1)?.message.totals.frames === 13);
      await cameras.label("cam0", "early", "nut");
      const late = await observer.until("the late label's refusal", () =>
        said.rejected.find((r) => r.message.code === "label/late"),
      );
      expect(late).toMatchObject({ camera: "cam0", message: { frameId: "early", topic: "l2p/box/cam0/label/early" } });

      // What telemetry counts is what was said.
      const labels = said.learned.map(({ message }) => message.label);
      const last = await observer.until("telemetry of all that", () => {
        const telemetry = said.telemetry.at(-1)?.message;
        return telemetry?.rejected["label/late"] === 1 && telemetry.totals.learned === labels.length && telemetry;
      });
      expect(labels).toHaveLength(5);
      expect(last.totals).toMatchObject({ frames: 13, duplicates: 1, corrections: 1, replayed: 0 });
      expect(last.classCounts).toEqual({ nut: 2, bolt: 3 });
      expect(last.box).toMatchObject({ engine: "onnx", provider: "cpu" });
      expect(last.accuracy.samples).toBe(4); // the correction is not counted

      // The snapshot and its manifest, on command; then a clean stop.
      await cameras.command("snapshot", '{"id": "s1"}');
      const reply = await observer.until("the reply", () => said.reply[0]);
      expect(reply.message).toMatchObject({ id: "s1", ok: true });
      const manifest = await observer.until("the manifest", () => said.manifest[0]);
      await observer.until("the snapshot", () => observer.snapshots[0]);
      expect(manifest.message).toMatchObject({
        node: "box",
        labels: ["nut", "bolt"],
        sizeBytes: observer.snapshots[0]!.length,
      });
      await node.stop();
      await expect(node.ended).resolves.not.toThrow();
    });
  });
}

describe("a node without its broker", () => {
  it("starts, says once that there is none, and stops", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const tries = new Subject<void>();
    const server = createServer((socket) => {
      socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n");
      tries.next();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    started(server, (one) => void one.close());
    const { port } = server.address() as AddressInfo;
    const mqtt = { url: `mqtt://127.0.0.1:${port}`, version: 5, reconnectMinMs: 10, reconnectMaxMs: 10 };
    const node = started(await startNode(place.config({ mqtt })), (one) => one.stop());
    await firstValueFrom(tries.pipe(skip(9)));
    await node.stop();
    const warnings = node.log.filter((line) => line.includes('"level":40'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("no broker: mqtt/");
  });
});

describe.skipIf(mosquittoBinary === undefined)(`a node at Mosquitto (${needsMosquitto})`, () => {
  it("takes id, time and label from a frame's MQTT 5 user properties", async () => {
    const { observer, cameras } = await world(5, { mqtt: { url: (await mosquitto()).url } });
    const properties = { frameId: "p1", capturedAt: "2024-05-01T12:00:00+02:00", label: "ring" };
    await cameras.frame("cam0", undefined, await picture("ring", 1), { properties });
    const learned = await observer.until("the label that came with its frame", () => observer.said.learned[0]);
    expect(learned.message).toMatchObject({ frameId: "p1", label: "ring", predicted: null });
    const prediction = await observer.until("its prediction", () => observer.said.prediction[0]);
    expect(prediction.message).toMatchObject({ frameId: "p1", label: null, capturedAt: "2024-05-01T10:00:00.000Z" });
  });

  it("rejects the label of a frame that never comes", async () => {
    const { observer, cameras } = await world(5, {
      mqtt: { url: (await mosquitto()).url },
      stream: { labelWindowMs: 200 },
    });
    await cameras.label("cam0", "never", "bolt");
    const refused = await observer.until("its refusal", () => observer.said.rejected[0]);
    expect(refused).toMatchObject({ camera: "cam0", message: { code: "label/unknown-frame", frameId: "never" } });
    await cameras.frame("cam0", "never", await picture("bolt", 1));
    await cameras.label("cam0", "never", "bolt");
    await observer.until("the label that comes again with its frame", () => observer.said.learned[0]);
  });

  for (const version of [5, 4] as const) {
    it(`is online, then stopped after SIGTERM, offline after SIGKILL, by MQTT ${version === 5 ? "5" : "3.1.1"}`, async () => {
      const { url } = await mosquitto();
      const place = started(await workplace(), (one) => one.remove());
      const observer = await watch(url, version);
      const texts = (): string[] => observer.statuses.map(({ text }) => text);
      const config = place.config({ mqtt: { url, version } });

      const first = started(await spawnNode(config, place.folder), (one) => one.kill("SIGKILL"));
      await observer.until("online", () => texts().includes("online"));
      expect(await first.kill("SIGTERM")).toBe(0);
      await observer.until("stopped", () => texts().at(-1) === "stopped");
      expect(first.stderr()).toContain("checkpoint of version 0 written (stop)");

      const second = started(await spawnNode(config, place.folder), (one) => one.kill("SIGKILL"));
      await observer.until("online again", () => texts().at(-1) === "online");
      expect(await second.kill("SIGKILL")).toBe(null);
      await observer.until("offline", () => texts().at(-1) === "offline");
      expect(new Set(texts())).toEqual(new Set(["warming", "online", "stopped", "offline"]));

      // Retained: whoever comes later knows.
      const later = await watch(url, version);
      expect(await later.until("the retained status", () => later.statuses[0])).toEqual({
        text: "offline",
        retain: true,
      });
    });

    it(`loses nothing over a restart of the broker, by MQTT ${version === 5 ? "5" : "3.1.1"}`, async () => {
      const broker = await mosquitto();
      const mqtt = { mqtt: { url: broker.url, version } };
      const { place, node, observer, cameras } = await world(version, mqtt);
      const config = place.config(mqtt);
      const { said } = observer;
      for (const i of [0, 1, 2, 3]) await cameras.frame("cam0", `f${i}`, await picture("bolt", i));
      await observer.until("four frames", () => said.telemetry.at(-1)?.message.totals.frames === 4);
      await cameras.label("cam0", "f0", "bolt");
      await observer.until("the first label", () => said.learned[0]);

      await broker.stop();
      // Publishers hold what they have; the node's own words wait as well.
      const waiting = [cameras.label("cam0", "f1", "bolt"), cameras.label("cam0", "f2", "nut")];
      await broker.start();
      await Promise.all(waiting);
      await cameras.label("cam0", "f3", "nut");
      await observer.until("labels sent meanwhile", () => learnedFrames(observer).length === 4);
      await observer.until("the node to be online again", () => observer.statuses.at(-1)?.text === "online");
      expect(learnedFrames(observer)).toEqual(["f0", "f1", "f2", "f3"]);

      // Labels for a node that is away wait at the broker, over its restart.
      await node.stop();
      await observer.until("its last word", () => observer.statuses.at(-1)?.text === "stopped");
      await cameras.label("cam0", "f4", "ring");
      await broker.restart();
      started(await startNode(config), (one) => one.stop());
      await observer.until("the second run", () => observer.statuses.at(-1)?.text === "online");
      await cameras.frame("cam0", "f4", await picture("ring", 4));
      await observer.until("the label that waited at the broker", () => learnedFrames(observer).length === 5);
      expect(learnedOf(observer, "f4")[0]?.message).toMatchObject({ label: "ring", replayed: false });
      await observer.until("its count", () => said.telemetry.at(-1)?.message.classCounts["ring"] === 1);
      expect(said.telemetry.at(-1)?.message.classCounts).toEqual({ bolt: 2, nut: 2, ring: 1 });
    });
  }
});
