import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { discoveryMessage, discoveryTopic } from "../../src/message/home-assistant.ts";
import { decodeCommand } from "../../src/message/command.ts";
import { topics } from "../../src/message/topic.ts";
import { type Mosquitto, mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { outsideClient, type OutsideClient } from "../support/mqtt-world.ts";
import { type Node, startNode, type Workplace, workplace } from "../support/node.ts";
import { picture } from "../support/pictures.ts";

interface Discovery {
  readonly dev: Readonly<Record<string, unknown>>;
  readonly o: Readonly<Record<string, unknown>>;
  readonly cmps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const topic = "homeassistant/device/l2p-edge_l2p_box/config";

describe("the discovery message", () => {
  const of = topics("plant/hall-2", "box.1");
  const message = discoveryMessage({ base: "plant/hall-2", topics: of, model: "m", version: "1", cameras: ["c.1"] });
  const { dev, o, cmps } = message as Discovery;

  it("has what Home Assistant asks for: device, origin, and of each entity a platform and an id of its own", () => {
    expect(dev["ids"]).toEqual(["l2p-edge_plant_hall-2_box_1"]);
    expect(o["name"]).toBe("l2p-edge");
    const ids = Object.values(cmps).map((one) => one["unique_id"]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const one of Object.values(cmps)) expect(one["p"]).toMatch(/^(sensor|binary_sensor|button)$/);
  });

  it("reads from topics that there are, and presses commands as the node takes them", () => {
    const { state_topic, availability } = message as { state_topic: string; availability: { topic: string }[] };
    expect(of.parse(state_topic).kind).toBe("telemetry");
    expect(of.parse(availability[0]!.topic).kind).toBe("status");
    for (const one of Object.values(cmps)) {
      if (one["p"] !== "button") continue;
      const parsed = of.parse(one["command_topic"] as string);
      const name = parsed.kind === "command" ? parsed.name : "none";
      expect(decodeCommand(name, new TextEncoder().encode(one["payload_press"] as string)).name).toBe(name);
    }
    expect(of.parse(cmps["prediction_c.1"]!["state_topic"] as string)).toEqual({ kind: "prediction", camera: "c.1" });
  });

  it("has a topic of the characters that Home Assistant takes", () => {
    expect(discoveryTopic("homeassistant", "plant/hall-2", "box.1")).toMatch(/^homeassistant\/device\/[\w-]+\/config$/);
  });
});

describe.skipIf(!mosquittoBinary)(`at a broker${mosquittoBinary ? "" : ` (${needsMosquitto})`}`, () => {
  let here: Workplace;
  let broker: Mosquitto;
  let home: OutsideClient;
  let node: Node | undefined;
  beforeEach(async () => {
    [here, broker] = await Promise.all([workplace(), startMosquitto()]);
    home = await outsideClient(broker.url);
  });
  afterEach(async () => {
    await node?.stop();
    await home.end();
    await Promise.all([broker.remove(), here.remove()]);
  });

  const start = async (enabled: boolean): Promise<void> => {
    await node?.stop();
    node = await startNode(here.config({ mqtt: { url: broker.url }, homeAssistant: { enabled } }));
  };
  const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 20 });
  const entities = (text: string): string[] => Object.keys((JSON.parse(text) as Discovery).cmps);

  it("is told at the start, at each birth message, and of a new camera, and forgets when it is switched off", async () => {
    const seen = await home.subscribe(topic);
    await start(true);
    await soon(() => expect(seen.length).toBe(1));
    expect(entities(seen[0]!.text)).not.toContain("prediction_cam0");

    await home.publish("homeassistant/status", "offline", { qos: 1 });
    await home.publish("homeassistant/status", "online", { qos: 1 });
    await soon(() => expect(seen.length).toBe(2));
    expect(seen[1]!.text).toBe(seen[0]!.text);

    await home.publish("l2p/box/cam0/frame/f1", await picture("bolt", 1));
    await soon(() => expect(seen.length).toBe(3));
    expect(entities(seen[2]!.text)).toContain("prediction_cam0");
    expect(node!.log.join("")).not.toContain("rejected");

    await start(false);
    await soon(() => expect(seen.at(-1)!.text).toBe(""));
    await soon(() => expect(node!.log.join("")).toContain(`${topic} was cleared`));
    const later = await outsideClient(broker.url);
    expect(await later.subscribe(topic)).toEqual([]);
    await later.end();
  });

  it("is told nothing by default", async () => {
    const seen = await home.subscribe("homeassistant/#");
    await start(false);
    await home.publish("l2p/box/cam0/frame/f1", await picture("bolt", 1));
    const said = await home.subscribe("l2p/box/telemetry");
    await soon(() => expect(said.some(({ text }) => text.startsWith("{"))).toBe(true));
    expect(seen.filter(({ topic: on }) => on.startsWith("homeassistant/"))).toEqual([]);
  });
});
