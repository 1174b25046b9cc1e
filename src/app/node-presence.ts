import { decodeStatus, type Status } from "../message/status.ts";
import type { CameraConnection } from "./camera-connection.ts";

/** How long retained messages may take to come, ms: they follow the subscription at once. */
const RETAINED_MS = 1000;

/**
 * Looks at the retained `<base>/<node>/status`, and where there is none at those of all nodes at the broker.
 * @returns Why nobody takes this node's frames just now, in one line; null where it is online, or nobody may know.
 */
export async function whyAbsent(
  { listen }: Pick<CameraConnection, "listen">,
  base: string,
  node: string,
): Promise<string | null> {
  const statuses = new Map<string, Status>();
  const look = (which: string): Promise<boolean> =>
    listen(`${base}/${which}/status`, RETAINED_MS, (topic, payload) => {
      const name = topic.slice(base.length + 1, -"/status".length);
      const status = decodeStatus(payload);
      if (status !== null) statuses.set(name, status);
      return name === node && status !== null;
    });
  // Its own first: a broker may let a camera read that one and refuse the wildcard.
  const maySee = await look(node);
  if (maySee && !statuses.has(node)) await look("+");
  const status = statuses.get(node);
  if (!maySee || status === "online") return null;
  if (status !== undefined) return `node ${base}/${node} is ${status}: it takes no frames until it is online`;
  const others = [...statuses.keys()].map((name) => `${base}/${name}`);
  const there = others.length === 0 ? "no node that this user may see" : others.toSorted().join(", ");
  return `no node ${base}/${node} has told its status here (there is ${there}): check --base, --node and --broker`;
}
