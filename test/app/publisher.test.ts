import { expect, it } from "vitest";
import { createPublisher } from "../../src/app/publisher.ts";
import { decodeJson } from "../../src/message/json.ts";
import { topics } from "../../src/message/topic.ts";
import type { DriftNotice } from "../../src/stream/outcome.ts";

it("tells a drift to the broker at least once, not retained, and to the log with its camera", () => {
  const sent: { topic: string; payload: string | Uint8Array; options: object }[] = [];
  const logged: string[] = [];
  const publisher = createPublisher({
    transport: {
      publish: async (topic, payload, options) => void sent.push({ topic, payload, options }),
    },
    forward: undefined,
    topics: topics("l2p", "box-1"),
    dashboard: undefined,
    settings: { precision: "fp16" },
    log: (level, text) => void logged.push(`${level} ${text}`),
  });
  const message: DriftNotice["message"] = {
    v: 1,
    watch: "similarity",
    camera: "belt",
    before: 0.7594,
    after: 0.6731,
    poolVersion: 41,
    at: "2026-11-25T13:31:07.512Z",
  };
  publisher.drift({ kind: "drift", message });
  expect(sent).toMatchObject([{ topic: "l2p/box-1/drift", options: { qos: 1 } }]);
  expect(sent[0]!.options).not.toHaveProperty("retain");
  expect(decodeJson("drift", sent[0]!.payload as Uint8Array)).toEqual(message);
  expect(logged).toEqual(["warn drift: similarity of belt from 0.759 to 0.673"]);
});
