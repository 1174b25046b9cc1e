import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topics } from "../../src/message/topic.ts";
import { outcome } from "../support/outcome.ts";

const t = topics("l2p", "box-1");
const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const reserved = ["status", "telemetry", "drift", "snapshot", "statistics", "command", "reply", "rejected"];
const camera = id.filter((name) => !reserved.includes(name));

describe("topics", () => {
  it("builds what it takes apart", () => {
    fc.assert(
      fc.property(camera, id, id, (cam, frameId, name) => {
        expect(t.parse(t.frame(cam, frameId))).toEqual({ kind: "frame", camera: cam, frameId });
        expect(t.parse(t.frame(cam))).toEqual({ kind: "frame", camera: cam, frameId: null });
        expect(t.parse(t.label(cam, frameId))).toEqual({ kind: "label", camera: cam, frameId });
        expect(t.parse(t.prediction(cam))).toEqual({ kind: "prediction", camera: cam });
        expect(t.parse(t.learned(cam))).toEqual({ kind: "learned", camera: cam });
        expect(t.parse(t.rejected(cam))).toEqual({ kind: "rejected", camera: cam });
        expect(t.parse(t.command(name))).toEqual({ kind: "command", name });
        expect(t.parse(t.reply(name))).toEqual({ kind: "reply", name });
      }),
    );
  });

  it("knows the node's own topics", () => {
    expect(t.parse("l2p/box-1/rejected")).toEqual({ kind: "rejected", camera: null });
    expect(t.rejected(null)).toBe("l2p/box-1/rejected");
    for (const kind of ["status", "telemetry", "drift", "snapshot", "manifest", "statistics"] as const) {
      expect(t.parse(t[kind])).toEqual({ kind });
    }
  });

  it.each(reserved)("refuses %s as a camera", (name) => {
    expect(() => t.frame(name)).toThrow(/no camera name/);
    expect(() => t.parse(`l2p/box-1/${name}/frame/1`)).toThrow(/no camera name/);
    expect(t.cameraOf(`l2p/box-1/${name}/frame`)).toBeNull();
  });

  it.each([
    ["l2p/other/cam/frame", "topic/unknown"],
    ["l2p/box-1", "topic/unknown"],
    ["l2p/box-1/cam", "topic/unknown"],
    ["l2p/box-1/cam/frame/a/b", "topic/unknown"],
    ["l2p/box-1/cam/label", "topic/unknown"],
    ["l2p/box-1//frame", "topic/bad-id"],
    ["l2p/box-1/cam/label/", "topic/bad-id"],
    ["l2p/box-1/c m/frame", "topic/bad-id"],
    [`l2p/box-1/cam/frame/${"x".repeat(65)}`, "topic/bad-id"],
    ["l2p/box-1/status/label/1", "topic/reserved"],
  ])("%s is %s", (topic, code) => {
    expect(() => t.parse(topic)).toThrow(expect.objectContaining({ code }));
  });

  it("throws coded errors only, whatever the topic", () => {
    const level = fc.oneof(fc.string(), fc.constantFrom("frame", "label", "snapshot", "command", "cam"));
    const anyTopic = fc.oneof(
      fc.string(),
      fc.array(level, { maxLength: 5 }).map((levels) => `l2p/box-1/${levels.join("/")}`),
    );
    fc.assert(
      fc.property(anyTopic, (topic) => {
        const camera = t.cameraOf(topic);
        const parsed = outcome(() => t.parse(topic));
        expect("value" in parsed && "camera" in parsed.value ? parsed.value.camera : camera).toBe(camera);
      }),
    );
  });

  it("takes a base of many levels and refuses wildcards in names", () => {
    expect(topics("plant/hall-2", "n").frame("c", "1")).toBe("plant/hall-2/n/c/frame/1");
    expect(() => topics("l2p/#", "n")).toThrow(/base topic level/);
    expect(() => topics("l2p", "+")).toThrow(/node name/);
  });
});
