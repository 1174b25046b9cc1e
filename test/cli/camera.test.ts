import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Broker, embeddedBroker } from "../../src/edge/broker.ts";
import { runCli } from "../support/cli.ts";
import { freePort } from "../support/mosquitto.ts";
import { outsideClient } from "../support/mqtt-world.ts";
import { picture } from "../support/pictures.ts";

let broker: Broker;
let folder: string;

beforeAll(async () => {
  broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1_000_000, durableClientId: "none" });
  folder = await mkdtemp(join(tmpdir(), "l2p-edge-camera-"));
  for (const label of ["bolt", "nut"]) {
    await mkdir(join(folder, "train", label), { recursive: true });
    for (let i = 0; i < 3; i++) await writeFile(join(folder, "train", label, `${i}.png`), await picture(label, i));
  }
});
afterAll(async () => {
  await broker.close();
  await rm(folder, { recursive: true });
});

const play = (...more: string[]): ReturnType<typeof runCli> =>
  runCli(["camera", "--broker", broker.url, "--node", "box1", "--camera", "cam7", "--fps", "200", ...more]);

describe("l2p-edge camera", () => {
  it("plays a folder as frames, and its labels after them, by the same ids", async () => {
    const outside = await outsideClient(broker.url);
    const seen = await outside.subscribe("l2p/box1/cam7/#");
    const { status, stdout } = await play(
      "--data",
      folder,
      "--split",
      "train",
      "--label-share",
      "1",
      "--label-delay",
      "0.05",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ camera: "cam7", frames: 6, labels: 6 });
    await outside.end();

    const levels = seen.map(({ topic, text }) => ({ kind: topic.split("/")[3], id: topic.split("/")[4], text }));
    const ids = (kind: string): (string | undefined)[] => levels.filter((one) => one.kind === kind).map(({ id }) => id);
    expect(ids("frame")).toHaveLength(6);
    expect(new Set(ids("label"))).toEqual(new Set(ids("frame")));
    const labels = levels.filter(({ kind }) => kind === "label").map(({ text }) => text);
    expect(labels.toSorted()).toEqual(["bolt", "bolt", "bolt", "nut", "nut", "nut"]);
  });

  it("goes on when its broker was away for a while", async () => {
    const port = await freePort();
    const options = { port, maxPayloadBytes: 1_000_000, durableClientId: "none" };
    let restarted = await embeddedBroker(options);
    const outside = await outsideClient(restarted.url);
    const seen = await outside.subscribe("l2p/box1/cam7/#");
    const flags = ["--data", folder, "--loop", "--frames", "120", "--fps", "30", "--label-share", "0"];
    const played = runCli(["camera", "--broker", restarted.url, "--node", "box1", "--camera", "cam7", ...flags]);
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(5);
    await outside.end();
    await restarted.close();
    // Its first attempts to connect again are refused.
    await sleep(1500);
    restarted = await embeddedBroker(options);
    const { status, stderr } = await played;
    expect({ status, stderr: stderr.includes("Error") }).toEqual({ status: 0, stderr: false });
    await restarted.close();
  });

  it("ends after the wanted frames, however short the data", async () => {
    const { stdout } = await play("--data", folder, "--loop", "--frames", "15", "--label-share", "0");
    expect(JSON.parse(stdout)).toEqual({ camera: "cam7", frames: 15, labels: 0 });
  });

  it("warns in one line where no such node is online, names those that are, and plays all the same", async () => {
    const outside = await outsideClient(broker.url);
    const say = (node: string, status: string): Promise<void> =>
      outside.publish(`l2p/${node}/status`, status, { qos: 1, retain: true });
    const quick = ["--data", folder, "--frames", "1", "--label-share", "0"];

    const nobody = await play(...quick);
    expect(nobody.stderr).toMatch(/^warning: no node l2p\/box1 has told its status here .*: check --base, --node.*\n$/);
    expect(JSON.parse(nobody.stdout)).toMatchObject({ frames: 1 });

    await say("box-2", "online");
    expect((await play(...quick)).stderr).toMatch(/^warning: .*\(there is l2p\/box-2\).*\n$/);

    await say("box1", "offline");
    expect((await play(...quick)).stderr).toMatch(/^warning: node l2p\/box1 is offline: .*\n$/);

    await say("box1", "online");
    expect((await play(...quick)).stderr).toBe("");
    await outside.end();
  });

  it("says in one line what is wrong", async () => {
    const nothing = await play("--data", join(folder, "nowhere"));
    expect(nothing).toMatchObject({ status: 1, stdout: "" });
    expect(nothing.stderr).toMatch(/^l2p-edge: dataset\/not-found: .*\n$/);
    const unreachable = await runCli(["camera", "--broker", "mqtt://127.0.0.1:1", "--node", "b", "--data", folder]);
    expect(unreachable.status).toBe(1);
    expect(unreachable.stderr).toMatch(/^l2p-edge: camera\/broker: .*\n$/);
  });
});
