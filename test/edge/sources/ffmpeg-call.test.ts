import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ffmpegCall } from "../../../src/edge/sources/ffmpeg-call.ts";
import type { FfmpegSource } from "../../../src/settings/source-types.ts";

const common = { framesPerSecond: 2, stalledMs: 15_000 };
const rtsp: FfmpegSource = { kind: "rtsp", url: "rtsp://cam/live", transport: "tcp", ...common };

describe("ffmpegCall", () => {
  it("puts an address, its user and password into standard input and never into the arguments", () => {
    const { arguments: args, input } = ffmpegCall({ ...rtsp, username: "alice" }, "s3 cret/@:'\\");
    expect(args.join(" ")).not.toMatch(/cam|alice|s3/);
    expect(input).toBe(
      "ffconcat version 1.0\nfile 'rtsp://alice:s3%20cret%2F%40%3A%27%5C@cam/live'\noption rtsp_transport tcp\n",
    );
  });

  it("asks a camera for TCP by a directive, and leaves UDP to ffmpeg, which tries it first", () => {
    expect(ffmpegCall(rtsp, undefined).input).toMatch(/\noption rtsp_transport tcp\n$/);
    expect(ffmpegCall({ ...rtsp, transport: "udp" }, undefined).input).not.toContain("option");
  });

  it("lets no address and no password end its quotation or begin another line", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ minLength: 1 }), (path, password, username) => {
        const source: FfmpegSource = { kind: "http-mjpeg", url: `http://cam/${path}?${path}`, username, ...common };
        expect(ffmpegCall(source, password).input).toMatch(/^ffconcat version 1\.0\nfile '[^'\s]*'\n$/);
      }),
    );
  });

  it("opens of a file the file alone, and repeats it only when asked", () => {
    const file: FfmpegSource = { kind: "file", path: "concat:/etc/passwd", repeat: false, ...common };
    const { arguments: args, input } = ffmpegCall(file, undefined);
    expect(args.join(" ")).toContain("-protocol_whitelist file -i file:concat:/etc/passwd ");
    expect(args).not.toContain("-stream_loop");
    expect(input).toBe("");
    expect(ffmpegCall({ ...file, repeat: true }, undefined).arguments).toContain("-stream_loop");
  });

  it("reads a device by its driver, at the width and rate of the settings", () => {
    const source: FfmpegSource = { kind: "v4l2", device: "/dev/video0", ...common, width: 320 };
    const args = ffmpegCall(source, undefined).arguments.join(" ");
    expect(args).toContain("-f v4l2 -i /dev/video0 ");
    expect(args).toContain("floor(t*2)");
    expect(args).toContain("scale=320:-2");
    expect(ffmpegCall(rtsp, undefined).arguments.join(" ")).not.toContain("scale");
  });
});
