import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { parseSettings } from "../../src/settings/load.ts";
import { settingsJsonSchema } from "../../src/settings/schema.ts";
import { runCli } from "../support/cli.ts";
import { spawnNode, type Workplace, workplace } from "../support/node.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "l2p-config-"));
  file = join(folder, "box.yaml");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("check tells what is right, and every fault with its line", async () => {
  await writeFile(file, "node: { id: box-1 }\n");
  expect(await runCli(["config", "check", "--config", file], { cwd: folder })).toMatchObject({
    status: 0,
    stdout: `${file} is fine: 1 settings besides the defaults\n`,
  });
  await writeFile(file, "nod: { id: box-1 }\nlog: { level: 3 }\n");
  const { status, stdout, stderr } = await runCli(["config", "check", "--config", file], { cwd: folder });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("settings/invalid: 2 faults");
  expect(stderr).toContain("box.yaml:1 nod");
  expect(stderr).toContain("box.yaml:2 log.level");
});

it("show prints a configuration that says the same, with origins", async () => {
  await writeFile(file, "node: { id: box-1 }\nmqtt: { tls: {}, url: 'mqtt://broker' }\n");
  const env = { L2P_EDGE_BROKER__PORT: "1999" };
  const { stdout } = await runCli(["config", "show", "--config", file], { env, cwd: folder });
  expect(parseSettings(stdout, "", {})).toEqual(
    parseSettings("node: { id: box-1 }\nmqtt: { url: 'mqtt://broker' }", "", env),
  );
  expect(stdout).toMatch(/^ {2}port: 1999 +# L2P_EDGE_BROKER__PORT$/m);
  expect(stdout).toMatch(/^ {2}keepAliveS: 30 +# default$/m);
  const changed = await runCli(["config", "show", "--changed", "--config", file], { env, cwd: folder });
  expect(parse(changed.stdout)).toEqual({
    node: { id: "box-1" },
    mqtt: { url: "mqtt://broker" },
    broker: { port: 1999 },
  });
  const json = await runCli(["config", "show", "--json", "--changed", "--config", file], { cwd: folder });
  expect(JSON.parse(json.stdout)).toContainEqual({ path: ["node", "id"], value: "box-1", origin: `${file}:1` });

  // As a node that runs in this folder would have it.
  await mkdir(join(folder, "state"));
  const set = { v: 1, settings: { "stream.telemetryMs": { value: 1000, over: 5000 } } };
  await writeFile(join(folder, "state", "settings.json"), JSON.stringify(set));
  const with_ = await runCli(["config", "show", "--changed", "--config", file], { cwd: folder });
  expect(with_.stdout).toMatch(/^ {2}telemetryMs: 1000 +# set by command, state\/settings.json$/m);
});

it("schema prints the schema for editors", async () => {
  const { stdout } = await runCli(["config", "schema"]);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(settingsJsonSchema())));
});

it("SIGHUP reads the file again, and the node goes on", async () => {
  const here: Workplace = await workplace();
  const config = here.config({ log: { level: "info" } });
  const node = await spawnNode(config, here.folder);
  const soon = (text: string): Promise<void> =>
    vi.waitFor(() => expect(node.stderr()).toContain(text), { timeout: 60_000, interval: 20 });
  try {
    await soon("listening for");
    const next = here.config({ log: { level: "debug" }, stream: { telemetryMs: 700 }, broker: { port: 1 } });
    await writeFile(join(here.folder, "config.yaml"), JSON.stringify(next));
    node.child.kill("SIGHUP");
    await soon("broker.port: 0 → 1 needs a restart");
    expect(node.stderr()).toContain('stream.telemetryMs: 100 → 700"');
    expect(node.stderr()).toContain(String.raw`log.level: \"info\" → \"debug\"`);
    expect(await node.kill("SIGTERM")).toBe(0);
  } finally {
    await node.kill("SIGKILL");
    await here.remove();
  }
});
