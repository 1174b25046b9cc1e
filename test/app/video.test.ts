import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { splitJpegs, videoPictures } from "../../src/app/video.ts";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "l2p-edge-video-"));
afterAll(() => rmSync(folder, { recursive: true }));

const jpeg = (grey: number): Promise<Buffer> =>
  sharp({ create: { width: 24, height: 16, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg()
    .toBuffer();

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].toSorted((a, b) => a - b);
  for (let i = 1; i < at.length; i++) yield bytes.subarray(at[i - 1], at[i]);
}

describe("splitJpegs", () => {
  it("finds each JPEG whole, wherever the stream is cut", async () => {
    const pictures = await Promise.all([10, 120, 240].map(jpeg));
    const stream = Buffer.concat(pictures);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
        const found = await collect(splitJpegs(pieces(stream, cuts)));
        expect(found.map((one) => Buffer.compare(one, pictures[found.indexOf(one)]!))).toEqual([0, 0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  it("gives nothing of a picture that was cut short", async () => {
    const [whole, cut] = [await jpeg(10), (await jpeg(20)).subarray(0, 200)];
    expect(await collect(splitJpegs(pieces(Buffer.concat([whole, cut]), [])))).toHaveLength(1);
  });
});

describe("videoPictures", () => {
  it.skipIf(!hasFfmpeg)(`plays a video file${hasFfmpeg ? "" : " (needs ffmpeg)"}`, async () => {
    const path = join(folder, "two-seconds.mp4");
    const made = spawnSync("ffmpeg", ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x48:rate=10", "-y", path]);
    expect(made.status).toBe(0);
    const pictures = await collect(videoPictures(path, 5));
    expect(pictures).toHaveLength(10);
    expect(await sharp(pictures[3]).metadata()).toMatchObject({ format: "jpeg", width: 64, height: 48 });
  });

  it.skipIf(!hasFfmpeg)(`says what is wrong with a file${hasFfmpeg ? "" : " (needs ffmpeg)"}`, async () => {
    await expect(collect(videoPictures(join(folder, "none.mp4"), 5))).rejects.toMatchObject({ code: "video/failed" });
  });

  it.skipIf(hasFfmpeg)("says what to install where ffmpeg is not there", async () => {
    await expect(collect(videoPictures(join(folder, "any.mp4"), 5))).rejects.toMatchObject({ code: "video/no-ffmpeg" });
  });
});
