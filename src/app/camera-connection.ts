import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { appError } from "../kernel/errors.ts";
import { withoutSecrets } from "../settings/shown.ts";

export interface CameraConnectionOptions {
  readonly username?: string;
  /** Its first line is the password. */
  readonly passwordFile?: string;
  /** PEM file of the certificate authority that the broker's certificate must come from. */
  readonly ca?: string;
}

export interface CameraConnection {
  readonly publish: (topic: string, payload: Uint8Array | string, qos: 0 | 1) => Promise<void>;
  /**
   * What comes on a topic filter, until `seen` returns true or `waitMs` passed.
   * @returns false where the broker does not let this user subscribe to it
   */
  readonly listen: (
    filter: string,
    waitMs: number,
    seen: (topic: string, payload: Uint8Array) => boolean,
  ) => Promise<boolean>;
  /** After what is under way was sent. */
  close(): Promise<void>;
}

/** A camera's own connection. @throws AppError `camera/broker`, `camera/file` */
export async function connectCamera(url: string, options: CameraConnectionOptions = {}): Promise<CameraConnection> {
  const { username, passwordFile, ca } = options;
  const password = passwordFile === undefined ? undefined : (await readText(passwordFile)).split(/\r?\n/)[0];
  // 3.1.1: every broker speaks it, and a camera needs nothing of MQTT 5.
  const client = await connectAsync(
    url,
    {
      protocolVersion: 4,
      reconnectPeriod: 1000,
      connectTimeout: 10_000,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(ca !== undefined && { ca: await readText(ca) }),
    },
    false,
  ).catch((cause: unknown) => {
    throw appError(
      "camera/broker",
      `cannot connect to ${withoutSecrets(url)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  });
  // Once connected, each attempt to connect again may fail; without a listener that would end the process.
  client.on("error", () => {});
  return {
    publish: async (topic, payload, qos) => {
      await client.publishAsync(topic, typeof payload === "string" ? payload : Buffer.from(payload), { qos });
    },
    async listen(filter, waitMs, seen) {
      const enough = new AbortController();
      const hear = (topic: string, payload: Buffer): void => void (seen(topic, payload) && enough.abort());
      client.on("message", hear);
      try {
        await client.subscribeAsync(filter);
      } catch {
        client.off("message", hear);
        return false;
      }
      await sleep(waitMs, undefined, { signal: enough.signal }).catch(() => {});
      client.off("message", hear);
      await client.unsubscribeAsync(filter).catch(() => {});
      return true;
    },
    close: () => client.endAsync(),
  };
}

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw appError("camera/file", `cannot read ${path}`, { cause });
  });
}
