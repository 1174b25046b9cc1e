import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDashboard, type Dashboard, type DashboardOptions } from "../../../src/edge/dashboard/dashboard.ts";
import type { Door } from "../../../src/edge/dashboard/door.ts";
import { isAppError } from "../../../src/kernel/errors.ts";

const token = "a-token-of-some-length";
let asked: unknown[];
const door: Door = {
  async label(...given) {
    asked.push(given);
    return { outcome: "learned", predicted: null, poolVersion: 7 };
  },
  async command(...given) {
    asked.push(given);
    return { outcome: "rejected", code: "store/not-found", detail: "none" };
  },
};

let dashboard: Dashboard;
async function serve(more: Partial<DashboardOptions>): Promise<void> {
  dashboard = await createDashboard({ host: "127.0.0.1", port: 0, node: "n", model: "m", ...more });
}
beforeEach(() => {
  asked = [];
});
afterEach(() => dashboard.close());

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(new URL(path, dashboard.url), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const label = { camera: "cam", frameId: "1", label: "bolt" };

describe("teaching", () => {
  test("goes through the door, and its answer comes back", async () => {
    await serve({ door });
    const answer = await post("/label", label);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { outcome: "learned", predicted: null, poolVersion: 7 },
    ]);
    const refused = await post("/command/restore", { checkpoint: "x" });
    expect([refused.status, await refused.json()]).toMatchObject([422, { code: "store/not-found" }]);
    expect(asked).toEqual([
      ["cam", "1", "bolt"],
      ["restore", { checkpoint: "x" }],
    ]);
  });

  test("a page is read-only unless it is let", async () => {
    await serve({});
    const answer = await post("/label", label);
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: "dashboard/read-only" }]);
    expect((await post("/command/rollback", {})).status).toBe(403);
  });

  test.each([
    ["another site", { origin: "http://evil.example" }, 403],
    ["another port", { origin: "http://127.0.0.1:1" }, 403],
    ["a sandboxed page", { origin: "null" }, 403],
    ["a form's text", { "content-type": "text/plain" }, 415],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ])("nothing is taken from %s", async (_, headers, status) => {
    await serve({ door });
    expect((await post("/label", label, headers)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  test("its own page may", async () => {
    await serve({ door });
    const origin = new URL(dashboard.url).origin;
    expect((await post("/label", label, { origin })).status).toBe(200);
  });

  test.each([
    ["no JSON", "{", 400],
    ["a list", "[]", 400],
    ["nothing", "", 400],
    ["a number for a label", { ...label, label: 3 }, 400],
    ["too much", { ...label, label: "x".repeat(5000) }, 400],
  ])("%s is refused", async (_, body, status) => {
    await serve({ door });
    expect((await post("/label", body)).status).toBe(status);
    expect(asked).toEqual([]);
    expect((await fetch(new URL("/state", dashboard.url))).status).toBe(200);
  });

  test.each(["/command/set", "/command/constructor", "/command/", "/command/../label", "/", "/nothing"])(
    "%s takes nothing",
    async (path) => {
      await serve({ door });
      expect([403, 404, 400]).toContain((await post(path, {})).status);
      expect(asked).toEqual([]);
    },
  );
});

describe("a page with a token", () => {
  const get = (path: string, headers = {}): Promise<Response> => fetch(new URL(path, dashboard.url), { headers });

  test("shows and takes nothing without it, but the way to sign in and the probes", async () => {
    await serve({ door, token });
    for (const path of ["/state", "/events", "/frame/cam", "/main.js", "/metrics", "/ask/cam/1"]) {
      expect((await get(path)).status).toBe(401);
    }
    expect((await get("/state", { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await get("/state", { cookie: "l2p-edge-n=wrong" })).status).toBe(401);
    expect((await post("/label", label)).status).toBe(401);
    const page = await (await get("/")).text();
    expect(page).toContain("token");
    const files = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]!);
    for (const file of [...files, "/dom.js", "/send.js"]) expect((await get(file)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  test("takes it from programs as it is, and from browsers once", async () => {
    await serve({ door, token });
    expect((await get("/state", { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await post("/sign-in", { token: "wrong" })).status).toBe(401);
    const signedIn = await post("/sign-in", { token });
    const cookie = signedIn.headers.get("set-cookie")!;
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(token);
    const [pair = ""] = cookie.split(";");
    expect((await get("/state", { cookie: `other=1; ${pair}` })).status).toBe(200);
    expect((await post("/label", label, { cookie: pair })).status).toBe(200);
  });
});

describe("a stranger who does not send the body", () => {
  const sockets: Socket[] = [];
  afterEach(() => sockets.splice(0).forEach((socket) => void socket.destroy()));

  /** Resolves when the head is sent. */
  function half(): Promise<Socket> {
    const { hostname, port, host } = new URL(dashboard.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{`,
          () => resolve(socket),
        );
      });
      socket.on("error", reject);
      sockets.push(socket);
    });
  }

  test("keeps nobody from teaching, nor from signing in", async () => {
    await serve({ door, token });
    await Promise.all(Array.from({ length: 80 }, half));
    expect((await post("/label", label, { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await post("/sign-in", { token })).status).toBe(200);
  });

  test("is let go", async () => {
    await serve({ door, token, requestMs: 50 });
    const socket = await half();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const answer = await new Promise((resolve) => socket.once("data", (data) => resolve(String(data))));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    await closed;
  });

  test("is not counted, but 64 who wait for an answer are", async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const slow: Door = {
      ...door,
      async label(...given) {
        asked.push(given);
        await opened;
        return { outcome: "taken" };
      },
    };
    await serve({ door: slow });
    const waiting = Array.from({ length: 64 }, () => post("/label", label));
    while (asked.length < 64) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await post("/label", label)).status).toBe(503);
    open();
    expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([202]));
    expect((await post("/label", label)).status).toBe(202);
  });
});

test("what others reach needs a token, of some length", async () => {
  await serve({});
  const others = { host: "0.0.0.0", port: 0, node: "n", model: "m" };
  await expect(createDashboard(others)).rejects.toSatisfy((error) => isAppError(error, "dashboard/no-token"));
  await expect(createDashboard({ ...others, token: "short" })).rejects.toSatisfy((error) =>
    isAppError(error, "dashboard/weak-token"),
  );
  const open = await createDashboard({ ...others, token });
  await open.close();
});
