import type { Fault } from "./fault.ts";

type Keys = Readonly<Record<string, unknown>>;

/**
 * What no single key can tell.
 * @param settings With defaults where all keys are right; else as they stand in the file: then these faults are found beside all others.
 */
export function inconsistencies(settings: unknown): Fault[] {
  const root = keysAt({ settings }, "settings");
  const mqtt = keysAt(root, "mqtt");
  const tls = keysAt(mqtt, "tls");
  const stream = keysAt(root, "stream");
  const pool = keysAt(keysAt(keysAt(root, "learner"), "overrides"), "pool");
  const similarity = keysAt(keysAt(root, "drift"), "similarity");
  const sources = keysAt(root, "sources");
  const faults: Fault[] = [];
  const check = (isFine: boolean, path: readonly string[], problem: string): void => {
    if (!isFine) faults.push({ path, problem });
  };

  const secure = typeof mqtt["url"] === "string" && mqtt["url"].startsWith("mqtts:");
  check(secure || Object.keys(tls).length === 0, ["mqtt", "tls"], "has no effect: `mqtt.url` must begin with mqtts://");
  check(
    tls["keyFile"] === undefined || tls["certFile"] !== undefined,
    ["mqtt", "tls", "keyFile"],
    "needs `certFile` beside it",
  );
  check(ordered(similarity["warmUp"], similarity["memory"]), ["drift", "similarity", "warmUp"], "is above `memory`");
  const hasUser = mqtt["username"] !== undefined;
  check(mqtt["passwordFile"] === undefined || hasUser, ["mqtt", "passwordFile"], "needs `username` beside it");
  const hasUrl = mqtt["url"] !== undefined;
  check(
    !hasUser || hasUrl,
    ["mqtt", "username"],
    "has no effect: without `mqtt.url` the embedded broker is used, which has no users",
  );
  check(
    ordered(mqtt["reconnectMinMs"], mqtt["reconnectMaxMs"]),
    ["mqtt", "reconnectMinMs"],
    "is above `reconnectMaxMs`",
  );
  check(
    ordered(stream["maxFrameBytes"], stream["labelWindowBytes"]),
    ["stream", "maxFrameBytes"],
    "is above `labelWindowBytes`: no such frame could wait for its label",
  );
  check(
    ordered(pool["topN"], pool["size"]),
    ["learner", "overrides", "pool", "topN"],
    "is above `size`: more prompts than there are",
  );
  const cameras = Object.keys(sources);
  check(ordered(cameras.length, stream["maxCameras"]), ["sources"], "are more than `stream.maxCameras`");
  for (const camera of cameras) {
    const source = keysAt(sources, camera);
    const isWhole = source["passwordFile"] === undefined || source["username"] !== undefined;
    check(isWhole, ["sources", camera, "passwordFile"], "needs `username` beside it");
  }
  return faults;
}

function keysAt(keys: Keys, name: string): Keys {
  const value = Object.hasOwn(keys, name) ? keys[name] : undefined;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Keys) : {};
}

function ordered(low: unknown, high: unknown): boolean {
  return typeof low !== "number" || typeof high !== "number" || low <= high;
}
