import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { cleanUps } from "../support/clean-up.ts";
import { type EngineFault, engineFault } from "../support/engine-fault.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { type Config, type NodeProcess, spawnNode, startNode, type Workplace, workplace } from "../support/node.ts";
import { observe, type Observer } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();

/** Waits for a snapshot that nobody has: long enough to be stopped while it starts. */
const waits = { snapshot: { warmStart: "l2p/nobody/snapshot" } };

interface Starting {
  readonly url: string;
  readonly place: Workplace;
  readonly observer: Observer;
  readonly texts: () => string[];
  readonly run: (more?: Config, fault?: EngineFault) => Promise<NodeProcess>;
}

async function beforeStart(): Promise<Starting> {
  const { url } = started(await startMosquitto(), (one) => one.remove());
  const place = started(await workplace(), (one) => one.remove());
  const observer = started(await observe(url), (one) => one.end());
  return {
    url,
    place,
    observer,
    texts: () => observer.statuses.map(({ text }) => text),
    run: async (more = {}, fault) =>
      started(
        await spawnNode(
          place.config({ mqtt: { url }, ...more }),
          place.folder,
          fault && (await engineFault(fault, place.folder)),
        ),
        (one) => one.kill("SIGKILL"),
      ),
  };
}

describe.skipIf(mosquittoBinary === undefined)(`l2p-edge run (${needsMosquitto})`, () => {
  it.each(["SIGTERM", "SIGINT"] as const)("%s while it starts is a clean stop", async (signal) => {
    const { place, observer, texts, run } = await beforeStart();
    const node = await run(waits);
    await observer.until("warming", () => texts().includes("warming"));
    expect(await node.kill(signal)).toBe(0);
    await observer.until("stopped", () => texts().at(-1) === "stopped");
    expect(texts()).toEqual(["warming", "stopped"]);
    expect(node.stderr()).toContain(`${signal}: finishing what is in flight`);
    expect((await readdir(join(place.folder, "state"))).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  it("a second signal ends a stop that hangs", async () => {
    const { observer, texts, run } = await beforeStart();
    const node = await run({}, "hangs");
    await observer.until("warming", () => texts().includes("warming"));
    node.child.kill("SIGTERM");
    // Two of one kind that wait to be delivered are one.
    while (!node.stderr().includes("SIGTERM: finishing")) await sleep(10);
    expect(await node.kill("SIGINT")).toBe(null);
    expect(node.child.signalCode).toBe("SIGINT");
    await observer.until("offline", () => texts().at(-1) === "offline");
  });

  it("an engine that fails ends it with one coded line and the last will, and costs no label", async () => {
    const { url, observer, texts, run } = await beforeStart();
    const cameras = started(await sender(url), (one) => one.end());
    const first = await run({}, "dies");
    await observer.until("online", () => texts().includes("online"));
    await cameras.label("cam0", "f1", "bolt");
    await cameras.frame("cam0", "f1", await picture("bolt", 1));
    expect(await first.exited).toBe(1);
    const told = first.stderr().trimEnd().split("\n");
    expect(told.filter((line) => line.startsWith("l2p-edge: "))).toEqual([told.at(-1)]);
    expect(told.at(-1)).toMatch(/^l2p-edge: engine\/failed: the inference thread ended\. /);
    await observer.until("offline", () => texts().at(-1) === "offline");

    await run();
    await observer.until("online again", () => texts().at(-1) === "online");
    await cameras.frame("cam0", "f1", await picture("bolt", 1));
    const learned = await observer.until("the label of before", () => observer.said.learned[0]);
    expect(learned.message).toMatchObject({ frameId: "f1", label: "bolt" });
    expect(observer.said.rejected).toEqual([]);
  });
});

describe("startService", () => {
  it("is ended by its signal while it starts, and lets go of all it held", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const stop = new AbortController();
    const reason = new Error("no longer wanted");
    const starting = startNode(place.config(waits), stop.signal);
    stop.abort(reason);
    await expect(starting).rejects.toBe(reason);
    started(await startNode(place.config()), (one) => one.stop());
  });

  it("does not heed its signal later", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const stop = new AbortController();
    const node = started(await startNode(place.config(), stop.signal), (one) => one.stop());
    const observer = started(await observe(node.brokerUrl), (one) => one.end());
    stop.abort();
    const cameras = started(await sender(node.brokerUrl), (one) => one.end());
    await cameras.frame("cam0", "f1", await picture("bolt", 1));
    const prediction = await observer.until("a prediction", () => observer.said.prediction[0]);
    expect(prediction.message.frameId).toBe("f1");
  });
});
