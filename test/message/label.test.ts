import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLabel, decodeLabel, encodeLabel } from "../../src/message/label.ts";
import { outcome } from "../support/outcome.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const again = (text: string): string => checkLabel(decodeLabel(encodeLabel(text)));

describe("decodeLabel", () => {
  it.each([
    ["bolt", "bolt"],
    ["großer Bolzen", "großer Bolzen"],
    ['{"label": "bolt"}', "bolt"],
    ['{"label": "{x", "by": "ann"}', "{x"],
    ["e\u0301", "é"],
    ["x".repeat(128), "x".repeat(128)],
  ])("%j → %j", (payload, label) => {
    expect(decodeLabel(bytes(payload))).toBe(label);
  });

  it.each([
    [bytes(""), "label/empty"],
    [bytes("   "), "label/empty"],
    [bytes("x".repeat(129)), "label/too-long"],
    [bytes("é".repeat(65)), "label/too-long"],
    [bytes("x".repeat(10_000)), "label/too-long"],
    [bytes(`{"label": "${"x".repeat(200)}"}`), "label/too-long"],
    [bytes(`{"label": "${"x".repeat(2000)}"}`), "label/too-long"],
    [Uint8Array.of(0xff, 0xfe), "label/not-utf8"],
    [Uint8Array.of(0xed, 0xa0, 0x80), "label/not-utf8"],
    [bytes('{"label": "\\ud800"}'), "label/not-utf8"],
    [bytes("bolt\n"), "label/control-character"],
    [bytes("a\u0000b"), "label/control-character"],
    [bytes("{bolt"), "label/bad-json"],
    [bytes('{"label": 1}'), "label/bad-json"],
    [bytes('{"Label": "x"}'), "label/bad-json"],
  ])("%s is %s", (payload, code) => {
    expect(() => decodeLabel(payload)).toThrow(expect.objectContaining({ code }));
  });

  it("gives a checked label or a coded error for any bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: "binary" }).map(bytes)), (payload) => {
        const label = outcome(() => decodeLabel(payload));
        expect("code" in label || again(label.value) === label.value).toBe(true);
      }),
    );
  });
});
