import { describe, expect, it } from "vitest";
import type { CameraConnection } from "../../src/app/camera-connection.ts";
import { whyAbsent } from "../../src/app/node-presence.ts";

/** A broker with these retained messages, which lets its user subscribe to some filters only. */
function brokerWith(
  retained: Readonly<Record<string, string>>,
  allowed: (filter: string) => boolean = () => true,
): Pick<CameraConnection, "listen"> {
  return {
    async listen(filter, _waitMs, seen) {
      if (!allowed(filter)) return false;
      const pattern = new RegExp(`^${filter.replace("+", "[^/]+")}$`);
      for (const [topic, payload] of Object.entries(retained)) {
        if (pattern.test(topic) && seen(topic, Buffer.from(payload))) break;
      }
      return true;
    },
  };
}

describe("whyAbsent", () => {
  it("has nothing to say of a node that is online, under a base of several levels too", async () => {
    expect(await whyAbsent(brokerWith({ "a/b/box-1/status": "online" }), "a/b", "box-1")).toBeNull();
  });

  it.each(["warming", "stopped", "offline"])("says that a node is %s", async (status) => {
    const why = await whyAbsent(brokerWith({ "l2p/box-1/status": status }), "l2p", "box-1");
    expect(why).toBe(`node l2p/box-1 is ${status}: it takes no frames until it is online`);
  });

  it("names the nodes that are there instead, and takes no other word for a status", async () => {
    const retained = { "l2p/box-3/status": "online", "l2p/box-2/status": "stopped", "l2p/box-1/status": "fine" };
    expect(await whyAbsent(brokerWith(retained), "l2p", "box-1")).toContain("(there is l2p/box-2, l2p/box-3)");
    expect(await whyAbsent(brokerWith({}), "l2p", "box-1")).toContain("(there is no node that this user may see)");
  });

  it("needs no more than its own node's status", async () => {
    const own = (filter: string): boolean => !filter.includes("+");
    expect(await whyAbsent(brokerWith({ "l2p/box-1/status": "online" }, own), "l2p", "box-1")).toBeNull();
    expect(await whyAbsent(brokerWith({ "l2p/box-1/status": "offline" }, own), "l2p", "box-1")).toContain("offline");
  });

  it("does not warn a camera that may only write: nobody knows", async () => {
    expect(
      await whyAbsent(
        brokerWith({ "l2p/box-1/status": "online" }, () => false),
        "l2p",
        "box-1",
      ),
    ).toBeNull();
  });
});
