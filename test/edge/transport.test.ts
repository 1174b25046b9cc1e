import { embeddedBroker } from "../../src/edge/broker.ts";
import { memoryBus } from "../../src/edge/memory-bus.ts";
import { memoryTransport } from "../../src/edge/memory-transport.ts";
import { mosquittoBinary, needsMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { boxOptions, clientId, mqttTransport, outsideClient } from "../support/mqtt-world.ts";
import {
  contractLimits,
  contractTopics,
  type Seen,
  transportContract,
  type TransportWorld,
} from "./transport-contract.ts";

transportContract("memory", () => {
  const bus = memoryBus();
  return Promise.resolve({
    create: () => memoryTransport({ bus, topics: contractTopics, clientId, ...contractLimits }),
    outside: {
      publish: async (topic, payload, { qos = 0, retain = false } = {}) =>
        bus.publish({ topic, payload: Buffer.from(payload as string), qos, retain, properties: new Map() }),
      async subscribe(filter) {
        const seen: Seen[] = [];
        bus.subscribe([filter], undefined, ({ topic, payload, retain }, settle) => {
          seen.push({ topic, text: new TextDecoder().decode(payload), retain });
          settle();
        });
        return seen;
      },
    },
    end: () => Promise.resolve(),
  });
});

transportContract("embedded broker", async () => {
  const broker = await embeddedBroker({
    port: 0,
    maxPayloadBytes: contractLimits.maxFrameBytes,
    durableClientId: clientId,
  });
  return worldAt(broker.url, "auto", () => broker.close());
});

for (const version of [5, 4] as const) {
  const name = `Mosquitto, MQTT ${version === 5 ? "5" : "3.1.1"}${mosquittoBinary === undefined ? ` (${needsMosquitto})` : ""}`;
  transportContract(
    name,
    async () => {
      const mosquitto = await startMosquitto();
      return worldAt(mosquitto.url, version, () => mosquitto.remove());
    },
    mosquittoBinary === undefined,
  );
}

async function worldAt(url: string, version: "auto" | 4 | 5, end: () => Promise<void>): Promise<TransportWorld> {
  const outside = await outsideClient(url);
  return {
    create: () => mqttTransport(boxOptions(url, { version })),
    outside,
    async end() {
      await outside.end();
      await end();
    },
  };
}
