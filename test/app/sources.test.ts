import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NEVER } from "rxjs";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { type CameraSources, cameraSources } from "../../src/app/sources.ts";
import { topics } from "../../src/message/topic.ts";
import { parseSettings } from "../../src/settings/load.ts";
import type { RawMessage } from "../../src/stream/parts.ts";
import { mjpegCamera, rtspRelay } from "../support/camera-server.ts";
import { cleanUps } from "../support/clean-up.ts";
import { hasFfmpeg, needsFfmpeg } from "../support/ffmpeg.ts";
import { startNode, workplace } from "../support/node.ts";
import { observe } from "../support/observer.ts";
import { sender } from "../support/sender.ts";

const started = cleanUps();
const folder = mkdtempSync(join(tmpdir(), "l2p-edge-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Cameras {
  readonly sources: CameraSources;
  readonly frames: RawMessage[];
  readonly logged: string[];
  /** Hears them no more. */
  readonly unsubscribe: () => void;
  readonly until: (what: () => boolean) => Promise<void>;
}

/** Sources by the text of a configuration. */
function cameras(settings: Readonly<Record<string, object>>, program?: string): Cameras {
  const text = JSON.stringify({ sources: settings, stream: { maxFrameBytes: 1_000_000 } });
  const logged: string[] = [];
  const frames: RawMessage[] = [];
  const sources = cameraSources(
    { settings: parseSettings(text, "test", {}), changed$: NEVER },
    {
      topics: topics("l2p", "box"),
      log: (level, text) => void logged.push(`${level} ${text}`),
      ...(program !== undefined && { program }),
    },
  );
  const subscription = sources.raw$.subscribe((frame) => frames.push(frame));
  started(sources, (one) => one.close());
  return {
    sources,
    frames,
    logged,
    unsubscribe: () => subscription.unsubscribe(),
    async until(what) {
      while (!what()) await sleep(20);
    },
  };
}

/** Arguments of the processes that this one started, as any user of the machine may read them. */
function argumentsOfChildren(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const parent = readFileSync(`/proc/${pid}/stat`, "latin1")
          .replace(/.*\) \S /s, "")
          .split(" ")[0];
        return parent === `${process.pid}` ? [readFileSync(`/proc/${pid}/cmdline`, "latin1")] : [];
      } catch {
        return [];
      }
    })
    .filter((text) => text.startsWith("ffmpeg\0"));
}

function picture(): Promise<Buffer> {
  return sharp({ create: { width: 64, height: 48, channels: 3, background: "#c08040" } })
    .jpeg()
    .toBuffer();
}

describe("a folder as a camera", () => {
  it("gives frames as MQTT does: by topic and id, of QoS 0, with the time", async () => {
    writeFileSync(join(folder, "p-17.jpg"), await picture());
    const { frames, logged, sources, until } = cameras({ gate: { kind: "folder", path: folder, framesPerSecond: 50 } });
    await until(() => frames.length > 0);
    expect(frames[0]).toMatchObject({ topic: "l2p/box/gate/frame/p-17", qos: 0, retain: false });
    expect(Date.parse(frames[0]!.properties.get("capturedAt")!)).toBe(frames[0]!.receivedAt);
    expect(Buffer.from(frames[0]!.payload)).toEqual(await picture());
    expect(logged).toEqual(["info source gate (folder) runs"]);
    expect(sources.telemetry()).toEqual({ gate: { state: "running", code: null, frames: 1, restarts: 0 } });
    await sources.close();
    expect(sources.telemetry()).toMatchObject({ gate: { state: "closed" } });
  });
});

describe("a node with a source", () => {
  it("predicts its frames, learns their labels, and tells how it is", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const images = join(place.folder, "images");
    mkdirSync(images);
    const press = { kind: "folder", path: images, framesPerSecond: 50 };
    const node = started(await startNode(place.config({ sources: { press } })), (one) => one.stop());
    const observer = started(await observe(node.brokerUrl, "box", 4), (one) => one.end());
    const camera = started(await sender(node.brokerUrl, 4), (one) => one.end());
    writeFileSync(join(images, "part-17.jpg"), await picture());
    await observer.until("the prediction", () => observer.said.prediction.length > 0);
    expect(observer.said.prediction[0]).toMatchObject({ message: { frameId: "part-17" } });
    expect(observer.said.prediction[0]!.message.capturedAt).not.toBeNull();
    await camera.label("press", "part-17", "bolt");
    await observer.until("learning", () => observer.said.learned.length > 0);
    expect(observer.said.learned[0]).toMatchObject({ message: { frameId: "part-17", label: "bolt" } });
    // The first may have been sent before there was a picture.
    const told = () => observer.said.telemetry.at(-1)?.message.box?.sources;
    await observer.until("telemetry", () => told() !== undefined && told()!["press"]?.frames !== 0);
    expect(told()).toEqual({ press: { state: "running", code: null, frames: 1, restarts: 0 } });
  });
});

describe("sources that a reload changes", () => {
  it("start and stop alone: the others go on", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const folders = ["a", "b", "c"].map((name) => join(place.folder, name));
    for (const path of folders) mkdirSync(path);
    const source = (path: string) => ({ kind: "folder", path, framesPerSecond: 50 });
    const [a, b, c] = folders.map(source);
    const node = started(await startNode(place.config({ sources: { stays: a!, goes: b! } })), (one) => one.stop());
    const observer = started(await observe(node.brokerUrl, "box", 4), (one) => one.end());
    const seen = (frameId: string) =>
      observer.until(frameId, () => observer.said.prediction.find(({ message }) => message.frameId === frameId));
    const put = async (path: string, frameId: string): Promise<void> =>
      writeFileSync(join(path, `${frameId}.jpg`), await picture());
    await put(folders[0]!, "first");
    await put(folders[1]!, "second");
    await Promise.all([seen("first"), seen("second")]);

    const next = place.config({ sources: { stays: a!, comes: c! } });
    node.reload(parseSettings(JSON.stringify(next), "test", {}));
    await put(folders[2]!, "third");
    expect((await seen("third")).topic).toBe("l2p/box/comes/prediction");
    const told = await observer.until("telemetry", () => {
      const sources = observer.said.telemetry.at(-1)?.message.box?.sources;
      return sources?.["comes"]?.frames === 1 && sources;
    });
    // The one that stays was not started again: it would have told its frame twice.
    expect(told).toMatchObject({ stays: { state: "running", frames: 1, restarts: 0 } });
    expect(Object.keys(told)).toEqual(["stays", "comes"]);
    const log = node.log.join("");
    expect(log).toContain("source goes (folder) was taken away");
    expect(log).toContain(
      `settings: sources.comes.path: none → ${JSON.stringify(JSON.stringify(folders[2])).slice(1, -1)}`,
    );
    expect(log).not.toContain("restart");
    await put(folders[1]!, "unseen");

    node.reload(parseSettings(JSON.stringify(place.config({ sources: { stays: b! } })), "test", {}));
    expect((await seen("unseen")).topic).toBe("l2p/box/stays/prediction");
  });
});

describe("sources that fail", () => {
  it("are told of once, with what to do, and without ffmpeg's absence ending anything", async () => {
    const wrong = { kind: "http-mjpeg", url: "http://127.0.0.1:9/?key=k3y", passwordFile: "/nowhere", username: "u" };
    const file = { kind: "file", path: "video.mp4" };
    const { passwordFile: _, username: __, ...open } = wrong;
    const { logged, sources, until } = cameras({ a: file, b: open }, "/nowhere/ffmpeg");
    await until(() => Object.values(sources.telemetry()!).every(({ restarts }) => restarts >= 1));
    expect(logged.toSorted()).toEqual([
      expect.stringMatching(/^warn source a \(file\): source\/no-ffmpeg: .*apt install ffmpeg/),
      expect.stringMatching(/^warn source b \(http-mjpeg\): source\/no-ffmpeg: /),
    ]);
    expect(sources.telemetry()!["a"]).toMatchObject({ state: "failing", code: "source/no-ffmpeg", frames: 0 });
  });

  it("nothing is there where none is set", () => {
    expect(cameras({}).sources.telemetry()).toBeUndefined();
  });
});

describe.skipIf(!hasFfmpeg)(`sources through ffmpeg${needsFfmpeg}`, () => {
  const made = (...args: readonly string[]): void => {
    expect(spawnSync("ffmpeg", ["-loglevel", "error", ...args]).status).toBe(0);
  };

  it("plays a file at the width and rate that are set, to its end", async () => {
    const path = join(folder, "two seconds.mp4");
    made("-f", "lavfi", "-i", "testsrc=duration=2:size=64x48:rate=10", "-y", path);
    const file = { kind: "file", path, repeat: false, framesPerSecond: 4, width: 32 };
    const { frames, logged, sources, until } = cameras({ film: file });
    await until(() => sources.telemetry()!["film"]!.state === "ended");
    expect(frames).toHaveLength(8);
    expect(new Set(frames.map(({ topic }) => topic))).toEqual(new Set(["l2p/box/film/frame"]));
    expect(await sharp(frames[5]!.payload).metadata()).toMatchObject({ format: "jpeg", width: 32, height: 24 });
    expect(logged).toEqual(["info source film (file) runs", "info source film (file) is at its end"]);
  });

  it("repeats a file, and leaves nothing running at a stop", async () => {
    const path = join(folder, "short.mp4");
    made("-f", "lavfi", "-i", "testsrc=duration=0.4:size=64x48:rate=10", "-y", path);
    const { frames, sources, until, unsubscribe } = cameras({ film: { kind: "file", path, framesPerSecond: 10 } });
    await until(() => frames.length >= 6);
    expect(argumentsOfChildren()).toHaveLength(1);
    unsubscribe();
    await sources.close(); // waits for what the end of the subscription began
    expect(argumentsOfChildren()).toEqual([]);
  });

  it("says what ffmpeg says of a file that is none", async () => {
    const { logged, until } = cameras({ film: { kind: "file", path: join(folder, "none.mp4") } });
    await until(() => logged.length > 0);
    expect(logged[0]).toMatch(/^warn source film \(file\): source\/failed: .*No such file/);
  });

  it("pulls a camera over HTTP with a password that no argument shows, through a stall and a broken connection", async () => {
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, "s3cret/@\nsecond line\n", { mode: 0o600 });
    const authorization = `Basic ${Buffer.from("eve:s3cret/@").toString("base64")}`;
    const camera = started(await mjpegCamera(await picture(), authorization), (one) => one.close());
    const settings = { kind: "http-mjpeg", url: camera.url, username: "eve", passwordFile, framesPerSecond: 5 };
    const { frames, logged, sources, until } = cameras({ belt: { ...settings, stalledMs: 2000 } });
    await until(() => frames.length >= 3);
    expect(await sharp(frames[0]!.payload).metadata()).toMatchObject({ format: "jpeg", width: 64, height: 48 });
    expect(camera.asked.at(-1)).toBe(authorization);
    const shown = argumentsOfChildren();
    expect(shown).toHaveLength(1);
    expect(shown[0]).not.toMatch(/s3cret|eve:|127\.0\.0\.1/);

    const next = async (line: RegExp): Promise<void> => {
      const from = logged.length;
      await until(() => logged.slice(from).some((one) => line.test(one)));
    };
    camera.stall();
    await next(/^warn source belt \(http-mjpeg\): source\/stalled: no picture for 2200 ms/);
    camera.breakOff();
    await next(/^info source belt \(http-mjpeg\) runs$/);
    camera.breakOff();
    await next(/^warn source belt \(http-mjpeg\): source\/(ended|failed): /);
    expect(logged.join("\n")).not.toContain("s3cret");
    expect(sources.telemetry()!["belt"]!.restarts).toBeGreaterThanOrEqual(1);
  }, 60_000);

  it("pulls a camera over RTSP, by TCP", async () => {
    const relay = started(await rtspRelay(), (one) => one.close());
    const url = `rtsp://127.0.0.1:${relay.port}/live`;
    const video = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10", "-c:v", "mpeg4"];
    const args = ["-loglevel", "error", ...video, "-f", "rtsp", "-rtsp_transport", "tcp", url];
    started(spawn("ffmpeg", args, { stdio: "ignore" }), (one: ChildProcess) => void one.kill("SIGKILL"));
    const { frames, until } = cameras({ gate: { kind: "rtsp", url } });
    await until(() => frames.length >= 2);
    expect(relay.asked.find((line) => line.startsWith("SETUP"))).toMatch(/RTP\/AVP\/TCP/);
    expect(relay.asked.find((line) => line.startsWith("DESCRIBE"))).toContain(`${url} RTSP`);
    expect(await sharp(frames[0]!.payload).metadata()).toMatchObject({ format: "jpeg", width: 64, height: 48 });
  }, 60_000);
});
