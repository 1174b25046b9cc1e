import { readdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Dashboard, createDashboard } from "../../../src/edge/dashboard/dashboard.ts";
import type { ShownLearned, ShownPrediction } from "../../../src/edge/dashboard/inputs.ts";
import { isAppError } from "../../../src/kernel/errors.ts";

const prediction: ShownPrediction = {
  frameId: "1",
  label: "bolt",
  confidence: 0.9,
  unknown: false,
  wantsLabel: false,
  top: [["bolt", 0.9]],
  promptIds: [1, 2],
  poolVersion: 3,
  latencyMs: 30,
};
const learned: ShownLearned = {
  frameId: "1",
  label: "bolt",
  predicted: "nut",
  correct: false,
  poolVersion: 4,
  correction: false,
  replayed: false,
};
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3);

let dashboard: Dashboard;
beforeEach(async () => {
  dashboard = await createDashboard({
    host: "127.0.0.1",
    port: 0,
    allowedHosts: ["box-1.plant.example"],
    node: "n",
    model: "m",
    tickMs: 10,
  });
});
afterEach(() => dashboard.close());

const get = (path: string): Promise<Response> => fetch(new URL(path, dashboard.url));

interface State {
  readonly summary: Record<string, unknown>;
  readonly cameras: { readonly cameras: Record<string, unknown>[] };
  readonly history: { readonly points: number[][]; readonly marks: unknown[] };
  readonly classes: Record<string, unknown>[];
  readonly events: { readonly text: string; readonly times: number }[];
}

async function state(): Promise<State> {
  return (await (await get("/state")).json()) as State;
}

/** The status of a request with any method, path (sent as it is) and host. */
function raw(path: string, options: { method?: string; host?: string } = {}): Promise<number> {
  const { hostname, port } = new URL(dashboard.url);
  return new Promise((resolve, reject) => {
    const headers = options.host === undefined ? {} : { host: options.host };
    const sent = request({ hostname, port, path, method: options.method ?? "GET", headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject).end();
  });
}

describe("what it serves", () => {
  test("the page and its files, under a policy that allows nothing from outside", async () => {
    const page = await get("/");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    const files = [...(await page.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]!);
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) expect((await get(file)).status).toBe(200);
  });

  test("in all no more than 150 KB, compressed", async () => {
    const folder = new URL("../../../src/edge/dashboard/page/", import.meta.url);
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder))));
    const bytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
    expect(bytes).toBeGreaterThan(5000);
    expect(bytes).toBeLessThan(150_000);
    // Nothing is fetched from elsewhere.
    for (const file of files) expect(String(file).replaceAll("http://www.w3.org/", "")).not.toMatch(/https?:\/\//);
  });

  test("a camera's newest frame, or the one that is asked for", async () => {
    dashboard.frame("cam 1", jpeg, prediction);
    dashboard.frame("cam 1", Uint8Array.of(0x89, 0x50), { ...prediction, frameId: "2" });
    const newest = await get("/frame/cam%201");
    expect(newest.headers.get("content-type")).toBe("image/png");
    const first = await get("/frame/cam%201?1");
    expect(first.headers.get("content-type")).toBe("image/jpeg");
    expect(new Uint8Array(await first.arrayBuffer())).toEqual(jpeg);
    // Never another's: a person would teach what is not in it.
    expect((await get("/frame/cam%201?3")).status).toBe(404);
    for (let more = 0; more < 4; more++) dashboard.frame("cam 1", jpeg, prediction);
    expect((await get("/frame/cam%201?1")).status).toBe(404);
  });

  test("of large pictures the last two", async () => {
    for (let n = 1; n <= 3; n++) dashboard.frame("large", Buffer.concat([jpeg, Buffer.alloc(200_000, n)]), prediction);
    const found = await Promise.all([1, 2, 3].map(async (n) => (await get(`/frame/large?${n}`)).status));
    expect(found).toEqual([404, 200, 200]);
  });

  test("HEAD as GET, without what it says", async () => {
    const answer = await fetch(new URL("/state", dashboard.url), { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    // A stream would stay open, and take a page's place.
    expect((await fetch(new URL("/events", dashboard.url), { method: "HEAD" })).status).toBe(405);
  });

  test("its state", async () => {
    dashboard.status("online");
    expect((await state()).summary).toMatchObject({ node: "n", model: "m", status: "online", learned: 0 });
  });
});

describe("hostile requests get a plain answer", () => {
  test.each([
    "/../package.json",
    "/..%2f..%2fpackage.json",
    "/page/index.html",
    "/frame/",
    "/frame/absent",
    "/frame/%E0%A4%A",
    "/frame/../../etc/passwd",
    "/frame/__proto__",
    "/constructor",
    "//",
    "/%00",
  ])("%s", async (path) => {
    expect(await raw(path)).toBe(404);
  });

  test.each(["PUT", "DELETE", "OPTIONS", "PATCH"])("%s", async (method) => {
    expect(await raw("/", { method })).toBe(405);
  });

  test.each(["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "a b"])(
    "a host called %j",
    async (host) => {
      expect([400, 421]).toContain(await raw("/state", { host }));
    },
  );

  test.each(["localhost", "localhost:9000", "127.0.0.1", "[::1]:80", "192.168.1.7:8080", "Box-1.plant.example:443"])(
    "while %s is served",
    async (host) => {
      expect(await raw("/state", { host })).toBe(200);
    },
  );

  test("bytes that are no HTTP", async () => {
    const { hostname, port } = new URL(dashboard.url);
    const socket = connect(Number(port), hostname);
    socket.write("\0\x01nonsense\r\n\r\n");
    const answer = await new Promise<string>((resolve) => socket.on("data", (data) => resolve(String(data))));
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect((await get("/state")).status).toBe(200);
  });
});

describe("what it makes of what it is told", () => {
  test("predictions and labels", async () => {
    dashboard.frame("a", jpeg, prediction);
    dashboard.learned("a", learned);
    dashboard.learned("a", { ...learned, predicted: "bolt", correct: true });
    const { cameras, classes, summary, history, events } = await state();
    expect(cameras.cameras).toMatchObject([
      { name: "a", label: "bolt", outcomes: "01", verdict: { label: "bolt", correct: true } },
    ]);
    expect(classes).toMatchObject([{ label: "bolt", count: 2, judged: 2, right: 1 }]);
    expect(summary).toMatchObject({ learned: 2, overall: 0.5, windowed: 0.5, labels: 1, poolVersion: 4 });
    expect(history).toEqual({
      learned: 2,
      points: [
        [1, 0, 0],
        [2, 0.5, 0.5],
      ],
      marks: [{ at: 1, kind: "label", text: "bolt" }],
    });
    expect(events.map((line) => line.text)).toEqual([
      "New label “bolt”, learned from frame 1",
      "Camera a sent its first frame",
    ]);
  });

  test("corrections, replays and labels without a prediction leave the accuracy alone", async () => {
    dashboard.learned("a", { ...learned, correct: true });
    dashboard.learned("a", { ...learned, correction: true });
    dashboard.learned("a", { ...learned, replayed: true });
    dashboard.learned("a", { ...learned, predicted: null, correct: null });
    const { summary, classes } = await state();
    expect(summary).toMatchObject({ learned: 4, overall: 1 });
    expect(classes).toMatchObject([{ count: 4, judged: 1, right: 1 }]);
  });

  test("a flood stays bounded", async () => {
    for (let i = 0; i < 5000; i++) {
      dashboard.frame(`camera-${i}`, jpeg, prediction);
      dashboard.learned(`camera-${i}`, { ...learned, label: `label-${i}` });
      dashboard.note({ kind: "note", text: `note ${i}` });
      dashboard.snapshot({ version: i, sizeBytes: 1 });
      dashboard.rejected(null, { code: "frame/not-an-image", detail: "again" });
    }
    const { cameras, history, classes, events } = await state();
    expect(cameras.cameras).toHaveLength(64);
    expect(history.points.length).toBeLessThanOrEqual(480);
    expect(history.points.at(-1)![0]).toBeGreaterThan(4900);
    expect(history.marks.length).toBeLessThanOrEqual(120);
    expect(classes).toHaveLength(500);
    expect(events.length).toBeLessThanOrEqual(60);
  });

  test("the same line again is counted", async () => {
    for (let i = 0; i < 7; i++) dashboard.rejected("a", { code: "frame/not-an-image", detail: "41 bytes" });
    expect((await state()).events).toMatchObject([{ times: 7, text: "Refused from a: 41 bytes (frame/not-an-image)" }]);
  });
});

/** Sections as they come. */
async function* events(): AsyncGenerator<{ event: string; data: unknown }> {
  const response = await get("/events");
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (event && data) yield { event, data: JSON.parse(data) };
    }
  }
}

function open(signal?: AbortSignal): Promise<Response> {
  return fetch(new URL("/events", dashboard.url), signal ? { signal } : {});
}

describe("live events", () => {
  test("everything at first, then what changed", async () => {
    const stream = events();
    const first = new Set<string>();
    while (first.size < 9) first.add((await stream.next()).value!.event);
    dashboard.note({ kind: "note", text: "hello" });
    const changed = new Set<string>();
    while (changed.size < 2) changed.add((await stream.next()).value!.event);
    expect([...changed].toSorted()).toEqual(["events", "history"]);
    await stream.return(undefined);
  });

  test("too many pages are refused, and places come free", async () => {
    const controllers = Array.from({ length: 16 }, () => new AbortController());
    for (const { signal } of controllers) expect((await open(signal)).status).toBe(200);
    expect((await open()).status).toBe(503);
    for (const controller of controllers) controller.abort();
    await expect
      .poll(async () => {
        const again = new AbortController();
        const { status } = await open(again.signal);
        again.abort();
        return status;
      })
      .toBe(200);
  });
});

test("a port that is taken is a coded error", async () => {
  const port = Number(new URL(dashboard.url).port);
  await expect(createDashboard({ host: "127.0.0.1", port, node: "n", model: "m" })).rejects.toSatisfy((error) =>
    isAppError(error, "dashboard/listen"),
  );
});
