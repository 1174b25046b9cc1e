import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage, type Incoming } from "../../src/message/decoded.ts";
import { topics } from "../../src/message/topic.ts";

const t = topics("l2p", "box");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const none: ReadonlyMap<string, string> = new Map();
const decode = (topic: string, payload: Uint8Array, extra: Partial<Incoming> = {}): unknown =>
  decodeMessage({ topic, payload, retain: false, properties: none, ...extra }, t, 1000);

describe("decodeMessage", () => {
  it("reads a frame with everything said by properties", () => {
    const properties = new Map([
      ["frameId", "f1"],
      ["capturedAt", "2024-05-01T12:00:00+02:00"],
      ["label", "bolt"],
      ["other", "x"],
    ]);
    const payload = bytes("jpeg");
    expect(decode(t.frame("cam"), payload, { properties })).toEqual({
      kind: "frame",
      camera: "cam",
      frameId: "f1",
      capturedAt: "2024-05-01T10:00:00.000Z",
      label: "bolt",
      bytes: payload,
    });
    expect(decode(t.frame("cam", "f1"), payload, { properties })).toMatchObject({ frameId: "f1", label: "bolt" });
  });

  it("leaves out what nobody said", () => {
    expect(decode(t.frame("cam"), bytes("x"))).toMatchObject({ frameId: null, capturedAt: null, label: null });
  });

  it.each([
    [t.frame("cam", "1"), "", {}, "frame/empty"],
    [t.frame("cam", "1"), "x".repeat(1001), {}, "frame/too-large"],
    [t.frame("cam", "1"), "x", { frameId: "2" }, "frame/bad-property"],
    [t.frame("cam"), "x", { frameId: "a b" }, "frame/bad-property"],
    [t.frame("cam"), "x", { capturedAt: "yesterday" }, "frame/bad-property"],
    [t.frame("cam"), "x", { capturedAt: "2024-13-01T00:00:00Z" }, "frame/bad-property"],
    [t.frame("cam"), "x", { label: "" }, "frame/bad-property"],
    [t.label("cam", "1"), "x\n", {}, "label/control-character"],
    ["l2p/box/c d/frame", "x", {}, "topic/bad-id"],
    ["l2p/box/cam/prediction", "{}", {}, "topic/unknown"],
    ["elsewhere", "x", {}, "topic/unknown"],
    [t.command("dance"), "{}", {}, "command/unknown"],
  ])("%s %.12s %j is %s", (topic, payload, properties, code) => {
    const decoded = decode(topic, bytes(payload), { properties: new Map(Object.entries(properties)) });
    expect(decoded).toMatchObject({ kind: "rejected", code, topic });
  });

  it("says camera and frame where they are known", () => {
    expect(decode(t.label("cam", "1"), bytes(""))).toMatchObject({ camera: "cam", frameId: "1" });
    expect(decode("l2p/box/cam/label/a b", bytes("x"))).toMatchObject({ camera: "cam" });
    expect(decode("l2p/box/c d/label/1", bytes("x"))).toMatchObject({ camera: null });
  });

  it("tells whom to answer when a command is refused", () => {
    expect(decode(t.command("rollback"), bytes('{"id":"7","steps":0}'))).toMatchObject({
      kind: "rejected",
      code: "command/bad-arguments",
      answer: { name: "rollback", requestId: "7" },
    });
    expect(decode(t.command("snapshot"), bytes("{}"), { retain: true })).toMatchObject({ code: "command/retained" });
    expect(decode(t.command("snapshot"), bytes("no"))).toMatchObject({
      code: "command/bad-json",
      answer: { name: "snapshot", requestId: null },
    });
  });

  it("never throws, and cuts what is long", () => {
    const topic = fc.oneof(
      fc.string({ maxLength: 2000 }),
      fc.constantFrom(t.frame("c"), t.frame("c", "1"), t.label("c", "1"), t.command("set"), t.command("snapshot")),
    );
    const properties = fc
      .dictionary(fc.constantFrom("frameId", "capturedAt", "label"), fc.string({ unit: "binary" }))
      .map((of) => new Map(Object.entries(of)));
    const payload = fc.oneof(fc.uint8Array({ maxLength: 1200 }), fc.json().map(bytes));
    fc.assert(
      fc.property(topic, payload, properties, fc.boolean(), (where, what, props, retain) => {
        const decoded = decodeMessage({ topic: where, payload: what, retain, properties: props }, t, 1000);
        const lengths = decoded.kind === "rejected" ? [decoded.topic.length, decoded.detail.length] : [0, 0];
        expect(lengths[0]).toBeLessThanOrEqual(256);
        expect(lengths[1]).toBeLessThanOrEqual(500);
      }),
    );
  });
});
