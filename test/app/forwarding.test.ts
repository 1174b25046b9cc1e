import { connectAsync, type MqttClient } from "mqtt";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDiskQueue } from "../../src/edge/disk-queue.ts";
import type { LearnedMessage } from "../../src/message/learned.ts";
import type { TelemetryMessage } from "../../src/message/telemetry.ts";
import { type Mosquitto, mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Node, startNode, type Workplace, workplace } from "../support/node.ts";
import { picture } from "../support/pictures.ts";

describe.skipIf(!mosquittoBinary)(`a broker that goes away${mosquittoBinary ? "" : ` (${needsMosquitto})`}`, () => {
  let here: Workplace;
  let broker: Mosquitto;
  let reader: MqttClient;
  let node: Node | undefined;
  const seen: { topic: string; text: string }[] = [];
  beforeEach(async () => {
    [here, broker] = await Promise.all([workplace(), startMosquitto()]);
    seen.splice(0);
    // With a session that outlives the broker's restart: it hears what is sent before it is back.
    reader = await connectAsync(broker.url, { clientId: "reader", clean: false, reconnectPeriod: 20 });
    reader.on("message", (topic, payload) => seen.push({ topic, text: payload.toString() }));
    reader.on("error", () => {});
    await reader.subscribeAsync("l2p/box/#", { qos: 1 });
  });
  afterEach(async () => {
    await node?.stop();
    await reader.endAsync(true);
    await Promise.all([broker.remove(), here.remove()]);
  });
  const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });
  const on = (kind: string): string[] => seen.filter(({ topic }) => topic.endsWith(`/${kind}`)).map(({ text }) => text);
  const learnedIds = (): string[] => on("learned").map((text) => (JSON.parse(text) as LearnedMessage).frameId);

  it("gets what was learned and refused meanwhile when it is back, in order, and what an earlier run left", async () => {
    const queue = openDiskQueue({
      folder: join(here.folder, "state", "outgoing"),
      maxBytes: 2 ** 20,
      whenFull: "drop-oldest",
      log: () => {},
    });
    queue.push("l2p/box/old/learned", new TextEncoder().encode('{"frameId":"before"}'));
    queue.close();
    node = await startNode(here.config({ mqtt: { url: broker.url, reconnectMinMs: 20, reconnectMaxMs: 200 } }));
    await soon(() => expect(learnedIds()).toEqual(["before"]));

    const labels = Array.from({ length: 24 }, (_, i) => i);
    for (const i of labels) {
      await reader.publishAsync(`l2p/box/cam0/frame/f${i}`, await picture(i % 2 ? "bolt" : "nut", i), { qos: 1 });
    }
    await soon(() => expect(on("prediction").length).toBeGreaterThan(0));
    await Promise.all([
      ...labels.map((i) => reader.publishAsync(`l2p/box/cam0/label/f${i}`, i % 2 ? "bolt" : "nut", { qos: 1 })),
      reader.publishAsync("l2p/box/cam0/label/f1", "\u0000", { qos: 1 }),
    ]);
    await broker.stop(); // some are learned by now, some are not
    await soon(() => expect(node!.log.join("")).toContain("no broker"));
    await broker.start();
    await soon(() => expect(new Set(learnedIds()).size).toBe(labels.length + 1));
    // At least once: what was under way as the broker stopped may come twice.
    const firsts = [...new Set(learnedIds())];
    expect(firsts).toEqual(["before", ...labels.map((i) => `f${i}`)]);
    await soon(() => expect(on("rejected").join()).toContain("label/control-character"));
    await soon(() => {
      const { box } = JSON.parse(on("telemetry").at(-1)!) as TelemetryMessage;
      expect(box!.queue).toEqual({ messages: 0, bytes: 0, dropped: 0 });
    });
  });
});
