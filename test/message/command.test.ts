import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCommand, encodeCommand, requestIdOf, type CommandRequest } from "../../src/message/command.ts";
import { outcome } from "../support/outcome.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("decodeCommand", () => {
  it.each<[string, CommandRequest]>([
    ['{"id":"1"}', { name: "snapshot", requestId: "1", arguments: {} }],
    ["{}", { name: "pause-learning", requestId: null, arguments: {} }],
    ["{}", { name: "resume-learning", requestId: null, arguments: {} }],
    ["{}", { name: "rollback", requestId: null, arguments: { steps: 1 } }],
    ['{"checkpoint":"0000012"}', { name: "restore", requestId: null, arguments: { checkpoint: "0000012" } }],
    ['{"label":"bolt"}', { name: "forget-label", requestId: null, arguments: { label: "bolt" } }],
    ['{"from":"a","to":"b"}', { name: "rename-label", requestId: null, arguments: { from: "a", to: "b" } }],
    ['{"key":"learnBatch","value":4}', { name: "set", requestId: null, arguments: { key: "learnBatch", value: 4 } }],
  ])("%s", (payload, request) => {
    expect(decodeCommand(request.name, bytes(payload))).toEqual(request);
    expect(decodeCommand(request.name, encodeCommand(request))).toEqual(request);
  });

  it.each([
    ["snapshot", "", "command/bad-json"],
    ["snapshot", "[]", "command/bad-arguments"],
    ["snapshot", '{"force":true}', "command/bad-arguments"],
    ["rollback", '{"steps":1.5}', "command/bad-arguments"],
    ["forget-label", '{"label":"a\\nb"}', "command/bad-arguments"],
    ["rename-label", '{"from":"a"}', "command/bad-arguments"],
    ["set", '{"key":"k","value":{}}', "command/bad-arguments"],
    ["__proto__", "{}", "command/unknown"],
    ["snapshot", `{"id":"${"x".repeat(20_000)}"}`, "command/too-large"],
  ])("%s %.30s is %s", (name, payload, code) => {
    expect(() => decodeCommand(name, bytes(payload))).toThrow(expect.objectContaining({ code }));
  });

  it("throws coded errors only", () => {
    const name = fc.constantFrom("snapshot", "restore", "rollback", "forget-label", "rename-label", "set");
    fc.assert(
      fc.property(name, fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (command, payload) => {
        const decoded = outcome(() => decodeCommand(command, payload));
        const requestId = requestIdOf(payload);
        expect("value" in decoded ? decoded.value.requestId : requestId).toBe(requestId);
      }),
    );
  });
});
