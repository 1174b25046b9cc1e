import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Node, startNode, type Workplace, workplace } from "../support/node.ts";
import { parseMetrics } from "../support/prometheus.ts";

let here: Workplace;
let node: Node | undefined;
beforeEach(async () => {
  here = await workplace();
});
afterEach(async () => {
  await node?.stop();
  await here.remove();
});

it("a node tells its numbers and its health while it runs", async () => {
  node = await startNode(here.config({ monitor: { port: 0 } }));
  const ask = (path: string): Promise<Response> => fetch(new URL(path, node!.monitorUrl));
  await vi.waitFor(async () => expect((await ask("/ready")).status).toBe(200), 10_000);
  await vi.waitFor(async () => {
    const metrics = parseMetrics(await (await ask("/metrics")).text());
    expect(metrics.get("l2p_engine_info")!.samples[0]!.labels).toEqual({ engine: "onnx", provider: "cpu" });
    expect(metrics.get("l2p_broker_connected")!.samples[0]!.value).toBe(1);
  }, 10_000);
  await node.stop();
  await expect(ask("/health")).rejects.toThrow("fetch failed");
});
