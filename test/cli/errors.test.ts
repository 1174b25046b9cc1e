import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorHints } from "../../src/kernel/errors.ts";
import { cleanUps } from "../support/clean-up.ts";
import { runCli } from "../support/cli.ts";
import { workplace } from "../support/node.ts";

const started = cleanUps();

describe("explain", () => {
  it("says what to do about a code, about those that begin alike, or about all", async () => {
    const one = await runCli(["explain", "label/late"]);
    expect(one).toMatchObject({ status: 0, stdout: `label/late\n  ${errorHints["label/late"]}\n` });
    const some = JSON.parse((await runCli(["explain", "label/", "--json"])).stdout) as object;
    expect(Object.keys(some)).toEqual(Object.keys(errorHints).filter((code) => code.startsWith("label/")));
    expect(JSON.parse((await runCli(["explain", "--json"])).stdout)).toEqual(errorHints);
  });
});

describe("wrong use", () => {
  it.each([
    { args: ["predict", "--nonsense", "a.jpg"], says: "unknown option" },
    { args: ["predict", "a.jpg", "--jsn"], says: "Did you mean --json?" },
    { args: ["nonsense"], says: "unknown command" },
    { args: ["snapshot", "nonsense"], says: "unknown command" },
    { args: ["snapshot", "diff", "a"], says: "missing required argument" },
    { args: ["snapshot", "export", "--state", "s", "--out", "o", "--precision", "fp4"], says: "fp16, int8" },
    { args: ["run"], says: "--config" },
    { args: ["predict"], says: "missing required argument" },
    { args: ["predict", "a.jpg"], says: "--config, --state or --snapshot" },
    { args: ["predict", "a.jpg", "--state", "s", "--snapshot", "f"], says: "cannot be used with" },
    { args: ["explain", "nonsense"], says: "no error code" },
    { args: ["camera", "--node", "box"], says: "--data or --video" },
    { args: ["camera", "--node", "box", "--fps", "fast"], says: "fps" },
  ])("$args gets one coded line", async ({ args, says }) => {
    const { status, stdout, stderr } = await runCli(args);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^l2p-edge: cli\/usage: [^\n]+ Add --help for the options and an example\.\n$/);
    expect(stderr).toContain(says);
  });

  it.each([
    { args: ["run", "--config", "absent.yaml"], code: "settings/unreadable" },
    { args: ["snapshot", "show", "absent.safetensors"], code: "file/unreadable" },
    { args: ["snapshot", "export", "--state", "absent", "--out", "o"], code: "store/empty" },
    { args: ["predict", "a.jpg", "--state", "absent"], code: "store/empty" },
    { args: ["predict", "a.jpg", "--snapshot", "absent"], code: "file/unreadable" },
    { args: ["model", "show", "absent"], code: "model/not-found" },
  ])("$args: $code", async ({ args, code }) => {
    const { status, stdout, stderr } = await runCli(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr.startsWith(`l2p-edge: ${code}: `)).toBe(true);
  });

  it("several faults in a configuration have a line each", async () => {
    const place = started(await workplace(), (one) => one.remove());
    const file = join(place.folder, "wrong.yaml");
    await writeFile(file, "mqtt:\n  ulr: mqtt://x\nmodel:\n  threads: many\nsnapshot:\n  keep: 0\n");
    const { status, stderr } = await runCli(["run", "--config", file]);
    const [head, ...faults] = stderr.trimEnd().split("\n");
    expect(status).toBe(1);
    expect(head).toMatch(/^l2p-edge: settings\/invalid: 3 faults\. /);
    expect(faults.map((line) => line.slice(0, file.length + 4))).toEqual([2, 4, 6].map((n) => `  ${file}:${n}`));
  });

  it("the stack comes only when it is asked for, and asking does not count as a setting", async () => {
    const { stderr } = await runCli(["run", "--config", "absent.yaml"], { env: { L2P_DEBUG: "1" } });
    expect(stderr).toContain("settings/unreadable");
    expect(stderr).toMatch(/\n +at /);
  });
});
