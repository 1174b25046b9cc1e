import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { ffmpegRun, type FfmpegRunOptions, withoutSecrets } from "../../../src/edge/sources/ffmpeg-run.ts";
import { cleanUps } from "../../support/clean-up.ts";
import { type FakeFfmpeg, fakeFfmpeg, part } from "../../support/ffmpeg.ts";

const started = cleanUps();
const picture = Buffer.alloc(5000, "x");

/** A fake that wrote its process id, and may send `$DIR/part`. */
function fake(script: string): FakeFfmpeg {
  const made = started(fakeFfmpeg(`echo $$ > $DIR/pid\n${script}`), (one) => one.remove());
  writeFileSync(join(made.folder, "part"), part(picture));
  return made;
}

interface Ran {
  readonly frames: Uint8Array[];
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

function run(program: string, options: Partial<FfmpegRunOptions> = {}): Ran {
  const frames: Uint8Array[] = [];
  const stop = new AbortController();
  const call = { arguments: ["-an"], input: "list\n" };
  const settings = { call: () => call, maxFrameBytes: 10_000, stalledMs: 30_000, ends: false, graceMs: 100 };
  const sink = { frame: ({ bytes }: { bytes: Uint8Array }) => void frames.push(bytes), works: () => {} };
  const ended = ffmpegRun({ ...settings, program, ...options })(sink, stop.signal);
  ended.catch(() => {});
  return { frames, stop, ended };
}

function isAlive({ folder }: FakeFfmpeg): boolean {
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("ffmpegRun", () => {
  it("gives the pictures, and its arguments, its input and little of the environment to the program", async () => {
    const program = fake('cat > $DIR/input; echo "$@" > $DIR/arguments; env > $DIR/env; cat $DIR/part $DIR/part');
    vi.stubEnv("NOTIFY_SOCKET", "/run/systemd/notify");
    const { frames, ended } = run(program.program, { ends: true });
    await ended;
    vi.unstubAllEnvs();
    expect(frames.map((one) => Buffer.compare(one, picture))).toEqual([0, 0]);
    expect(readFileSync(join(program.folder, "input"), "utf8")).toBe("list\n");
    expect(readFileSync(join(program.folder, "arguments"), "utf8")).toBe("-an\n");
    expect(readFileSync(join(program.folder, "env"), "utf8")).not.toContain("NOTIFY_SOCKET");
  });

  it("takes the end of a stream for a fault, where it should have none", async () => {
    await expect(run(fake("cat $DIR/part").program).ended).rejects.toMatchObject({ code: "source/ended" });
  });

  it("tells ffmpeg's last words when it dies, without what may be a password in them", async () => {
    const { ended } = run(fake('echo "rtsp://eve:s3cret@cam/live?key=k3y: Connection refused" >&2; exit 1').program);
    await expect(ended).rejects.toMatchObject({
      code: "source/failed",
      message: "ffmpeg ended with 1: rtsp://…@cam/… Connection refused",
    });
  });

  it("ends one that stalls, though it does not want to go", async () => {
    const program = fake("trap '' TERM; cat $DIR/part; while :; do sleep 0.05; done");
    const { frames, ended } = run(program.program, { stalledMs: 400 });
    await expect(ended).rejects.toMatchObject({ code: "source/stalled" });
    expect(frames).toHaveLength(1);
    expect(isAlive(program)).toBe(false);
  });

  it("counts bytes that never become a picture as a stall", async () => {
    const program = fake(
      "printf -- '--ffmpeg\\r\\nContent-type: image/jpeg\\r\\nContent-length: 9000\\r\\n\\r\\n'; while :; do echo x; sleep 0.05; done",
    );
    await expect(run(program.program, { stalledMs: 400 }).ended).rejects.toMatchObject({ code: "source/stalled" });
    expect(isAlive(program)).toBe(false);
  });

  it.each([
    ["garbage", "while :; do echo 'this is no picture and never ends'; done", "source/garbage"],
    ["a huge picture", "cat $DIR/part; cat $DIR/part; sleep 60", "source/too-large"],
  ])("ends one that sends %s", async (_, script, code) => {
    const program = fake(script);
    await expect(run(program.program, { maxFrameBytes: 4000 }).ended).rejects.toMatchObject({ code });
    expect(isAlive(program)).toBe(false);
  });

  it("says what to install where there is no ffmpeg", async () => {
    await expect(run("/nowhere/ffmpeg").ended).rejects.toMatchObject({ code: "source/no-ffmpeg" });
  });

  it("leaves no process behind at a stop, and no fault", async () => {
    const program = fake("trap 'echo asked > $DIR/asked; exit 255' TERM; cat $DIR/part; while :; do sleep 0.05; done");
    const { frames, stop, ended } = run(program.program, { graceMs: 10_000 });
    while (frames.length === 0) await sleep(10);
    stop.abort();
    await ended;
    expect(isAlive(program)).toBe(false);
    expect(existsSync(join(program.folder, "asked"))).toBe(true);
  });

  it("starts nothing after a stop", async () => {
    const program = fake("");
    const stop = AbortSignal.abort();
    const options = { call: () => ({ arguments: [], input: "" }), maxFrameBytes: 1, stalledMs: 1000, ends: false };
    await ffmpegRun({ ...options, program: program.program })({ frame: () => {}, works: () => {} }, stop);
    expect(existsSync(join(program.folder, "pid"))).toBe(false);
  });
});

describe("withoutSecrets", () => {
  it("hides user, password and query, wherever they stand", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9%:.]{6,20}$/).map((text) => `~${text}~`);
    fc.assert(
      fc.property(secret, fc.string(), (hidden, around) => {
        const text = `${around} [concat @ 0x55] Impossible to open 'http://${hidden}@cam/a?pwd=${hidden}'\nand ${around}`;
        expect(withoutSecrets(text)).not.toContain(hidden);
      }),
    );
  });
});
