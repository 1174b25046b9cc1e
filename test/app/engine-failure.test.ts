import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { type DemoOptions, runDemo } from "../../src/app/demo.ts";
import type * as backbone from "../../src/app/backbone.ts";
import { appError } from "../../src/kernel/errors.ts";
import { cleanUps } from "../support/clean-up.ts";
import { startNode, workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { picture } from "../support/pictures.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();
const fault = appError("engine/failed", "the accelerator is gone");

// An engine that starts and answers no image.
vi.mock("../../src/app/backbone.ts", async (original) => {
  const { openBackbone } = await original<typeof backbone>();
  const broken: typeof openBackbone = async (options) => {
    const opened = await openBackbone(options);
    const query = (): Promise<never> => Promise.reject(fault);
    return { ...opened, engine: { ...opened.engine, query } };
  };
  return { openBackbone: broken };
});

describe("an engine that fails", () => {
  it("ends the node with its error; once stopped, its status is not `stopped`", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const node = started(await startNode(place.config()), (one) => one.stop());
    const observer = started(await observe(node.brokerUrl), (one) => one.end());
    const cameras = started(await sender(node.brokerUrl), (one) => one.end());
    await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
    await cameras.frame("cam0", "f1", await picture("bolt", 1));
    await expect(node.ended).rejects.toBe(fault);
    const last = observer.until("offline", () => observer.statuses.at(-1)?.text === "offline");
    await node.stop();
    await last;
    // What it held is free again.
    await (await startNode(place.config())).stop();
  });

  it("is told to who waits for it, however late: before that it is no unhandled rejection", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const node = started(await startNode(place.config()), (one) => one.stop());
    const observer = started(await observe(node.brokerUrl), (one) => one.end());
    const cameras = started(await sender(node.brokerUrl), (one) => one.end());
    await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", hear);
    started(hear, (one) => void process.off("unhandledRejection", one));
    const failed = new Promise((error) => node.prediction$.subscribe({ error }));
    await cameras.frame("cam0", "f1", await picture("bolt", 1));
    expect(await failed).toBe(fault);
    await setImmediate(); // Node tells of unhandled rejections when a turn ends
    await setImmediate();
    expect(unhandled).toEqual([]);
    await expect(node.ended).rejects.toBe(fault);
  });

  it("ends the demo with its error, whether or not it would end by itself", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const options: DemoOptions = {
      cameras: 2,
      framesPerSecond: 50,
      storyFrames: 100,
      labelShare: 0.5,
      labelDelayMs: 60_000,
      seed: 1,
      modelPath: place.model,
      dashboardPort: 0,
      brokerPort: 0,
      signal: new AbortController().signal,
      onEvent: () => {},
    };
    const log = pino({ level: "silent" });
    await expect(runDemo(options, log)).rejects.toBe(fault);
    await expect(runDemo({ ...options, frames: 4 }, log)).rejects.toBe(fault);
  });
});
