import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { createRng } from "../../src/kernel/rng.ts";
import { cleanUps } from "../support/clean-up.ts";
import { startNode, workplace, type Workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();
/** Looks like a JPEG and is none; seven of them do not fit into a megabyte. */
const junk = Buffer.alloc(140_000, 7);
junk.set([0xff, 0xd8, 0xff]);
junk.set([0xff, 0xd9], junk.length - 2);

/** A PNG of about 160 kB. */
function noise(seed: number): Promise<Buffer> {
  const rng = createRng(seed);
  const pixels = Buffer.from(Array.from({ length: 230 * 230 * 3 }, () => rng.int(256)));
  return sharp(pixels, { raw: { width: 230, height: 230, channels: 3 } })
    .png()
    .toBuffer();
}

const config = (place: Workplace): ReturnType<Workplace["config"]> =>
  place.config({
    state: { folder: `${place.folder}/state`, journalMaxBytes: 2 ** 20 },
    stream: { telemetryMs: 100, journalWaitMs: 2000, journalRetryMs: 20 },
  });

async function openAt(place: Workplace): Promise<{
  readonly node: Awaited<ReturnType<typeof startNode>>;
  readonly sendJunk: (from: number, count: number) => Promise<void>;
  readonly codes: () => Set<string>;
  readonly teach: (frameId: string) => Promise<void>;
}> {
  const node = await startNode(config(place));
  const observer = started(await observe(node.brokerUrl), (one) => one.end());
  const camera = started(await sender(node.brokerUrl), (one) => one.end());
  await observer.until("the node to be online", () => observer.statuses.at(-1)?.text === "online");
  /** Labels that came before their images, which are none. */
  async function sendJunk(from: number, count: number): Promise<void> {
    for (let i = from; i < from + count; i++) {
      await camera.label("cam0", `junk${i}`, "bolt");
      await camera.frame("cam0", `junk${i}`, Buffer.concat([junk, Buffer.from(`${i}`)]));
    }
    await observer.until("an answer to each", () => {
      const ids = new Set(observer.said.rejected.map(({ message }) => message.frameId));
      return Array.from({ length: count }, (_, i) => ids.has(`junk${from + i}`)).every(Boolean);
    });
  }
  /** Codes of all that was refused. */
  const codes = (): Set<string> => new Set(observer.said.rejected.map(({ message }) => message.code));
  async function teach(frameId: string): Promise<void> {
    await camera.frame("cam0", frameId, await noise(Number(frameId.slice(4))));
    await camera.label("cam0", frameId, "bolt");
    await observer.until(`${frameId} to be learned`, () =>
      observer.said.learned.some(({ message }) => message.frameId === frameId),
    );
  }
  return { node, sendJunk, teach, codes };
}

describe("a journal that is full of labels that cannot be learned", () => {
  it("is cut, and good labels are taken: before anything was learned, after it, and after a restart", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const first = await openAt(place);
    await first.sendJunk(0, 12);
    await first.teach("good1");
    await first.sendJunk(12, 12);
    await first.teach("good2");
    await first.sendJunk(24, 7);
    expect(first.codes()).toEqual(new Set(["image/damaged"]));
    await first.node.stop();

    const second = await openAt(place);
    await second.teach("good3");
    await second.sendJunk(40, 9);
    await second.teach("good4");
    expect(second.codes()).toEqual(new Set(["image/damaged"]));
    await second.node.stop();
  });
});
