import { describe, expect, it } from "vitest";
import { brokerCheck } from "../../../src/app/doctor/broker.ts";
import { failure, type Finding } from "../../../src/app/doctor/check.ts";
import { embeddedBroker } from "../../../src/edge/broker.ts";
import { parseSettings } from "../../../src/settings/load.ts";
import { cleanUps } from "../../support/clean-up.ts";
import { freePort, mosquittoBinary, needsMosquitto, startMosquitto } from "../../support/mosquitto.ts";

const started = cleanUps();

function finding(mqtt: Readonly<Record<string, unknown>>): Promise<Finding> {
  const settings = parseSettings(JSON.stringify({ node: { id: "box" }, mqtt }), "test", {});
  return brokerCheck(settings).run().catch(failure);
}

describe("the broker", () => {
  it("inside the node needs no check", async () => {
    expect(await finding({})).toMatchObject({ verdict: "ok", detail: expect.stringContaining("not durable") });
  });

  it("that knows 3.1.1 only is found, unless 5 is asked for", async () => {
    const broker = await embeddedBroker({ port: 0, maxPayloadBytes: 1000, durableClientId: "box" });
    started(broker, (one) => one.close());
    expect(await finding({ url: broker.url })).toMatchObject({
      verdict: "ok",
      detail: expect.stringContaining("MQTT 3.1.1"),
    });
    expect(await finding({ url: broker.url, version: 5 })).toMatchObject({
      verdict: "failed",
      detail: expect.stringContaining("mqtt/version"),
    });
  });

  it("that is not there is told with its code and what to do", async () => {
    const found = await finding({ url: `mqtt://127.0.0.1:${await freePort()}` });
    expect(found).toMatchObject({
      verdict: "failed",
      detail: expect.stringContaining("mqtt/unreachable"),
      advice: expect.stringContaining("mqtt.url"),
    });
  });

  it.skipIf(mosquittoBinary === undefined)(
    `that asks for a user refuses none, one that does not is told with its version (${needsMosquitto})`,
    async () => {
      const closed = started(await startMosquitto({ anonymous: false }), (one) => one.remove());
      expect(await finding({ url: closed.url })).toMatchObject({
        verdict: "failed",
        detail: expect.stringMatching(/^mqtt\/auth: /),
      });
      const plain = started(await startMosquitto(), (one) => one.remove());
      expect(await finding({ url: plain.url })).toMatchObject({
        verdict: "ok",
        detail: expect.stringContaining("MQTT 5"),
      });
    },
  );
});
