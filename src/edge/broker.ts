import { Aedes } from "aedes";
import type { EventEmitter } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { appError } from "../kernel/errors.ts";
import { boundedSocket } from "./bounded-socket.ts";

export interface BrokerOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Larger payloads are cut to at least one byte above. */
  readonly maxPayloadBytes: number;
  /** The one client whose session outlives its connection: the node. Others could leave queues behind that only grow. */
  readonly durableClientId: string;
}

export interface Broker {
  /** e.g. `mqtt://127.0.0.1:1883` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const maxConnections = 256;
/** Topics with a retained message; a new one above is refused. */
const maxRetainedTopics = 4096;

/**
 * A broker for one box, inside the process: on 127.0.0.1 only, without users, and NOT durable: sessions and retained
 * messages live in memory and end with the process. It speaks MQTT 3.1.1 and refuses 5 (code 1), as aedes does.
 * @throws AppError `broker/listen`
 */
export async function embeddedBroker(options: BrokerOptions): Promise<Broker> {
  const retainedTopics = new Set<string>();
  const aedes = await Aedes.createBroker({
    preConnect(_client, packet, done) {
      if (packet.clientId !== options.durableClientId) packet.clean = true;
      done(null, true);
    },
    authorizePublish(_client, { topic, retain, payload }, done) {
      if (topic.startsWith("$SYS/")) return done(new Error("$SYS topics are the broker's own"));
      if (retain && payload.length === 0) retainedTopics.delete(topic);
      else if (retain && !retainedTopics.has(topic)) {
        if (retainedTopics.size >= maxRetainedTopics) return done(new Error("too many retained topics"));
        retainedTopics.add(topic);
      }
      done(null);
    },
  });
  // aedes ends the connection of a client in error by itself; without a listener the event would end the process.
  (aedes as EventEmitter).on("error", () => {});
  const server = createServer({ noDelay: true }, (socket) => {
    aedes.handle(boundedSocket(socket, options.maxPayloadBytes));
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(appError("broker/listen", `cannot listen on 127.0.0.1:${options.port}: ${cause.message}`, { cause }));
    });
    server.listen(options.port, "127.0.0.1", resolve);
  }).catch(async (error: unknown) => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    async close() {
      await new Promise<void>((resolve) => aedes.close(resolve));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
