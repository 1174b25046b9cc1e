import { Ajv2020 } from "ajv/dist/2020.js";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isAppError } from "../../src/kernel/errors.ts";
import { defaultDriftSettings } from "../../src/stream/drift.ts";
import { defaultRollbackSettings } from "../../src/stream/rollback.ts";
import { defaultStreamSettings } from "../../src/stream/settings.ts";
import { parseSettings } from "../../src/settings/load.ts";
import { settingsJsonSchema } from "../../src/settings/schema.ts";

const config = join(import.meta.dirname, "../../config");
const examples = readdirSync(config).filter((name) => name.endsWith(".yaml"));

function faultsOf(text: string, name: string): string[] {
  try {
    parseSettings(text, name, {});
    return [];
  } catch (error) {
    if (isAppError(error, "settings/invalid")) return error.message.split("\n");
    throw error;
  }
}

describe("the schema for editors", () => {
  it("is the one in config/ (update it with `npx vitest run --config test/vitest.config.ts settings/schema -u`)", async () => {
    const text = `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(config, "l2p-edge.schema.json"));
  });

  it("explains every key, or its section does", () => {
    const undocumented: string[] = [];
    const walk = (schema: { description?: string; properties?: object }, path: string): void => {
      for (const [key, value] of Object.entries(schema.properties ?? {})) walk(value as object, `${path}.${key}`);
      if (schema.description === undefined && schema.properties === undefined) undocumented.push(path);
    };
    walk(settingsJsonSchema(), "");
    expect(undocumented).toEqual([
      ".learner.overrides.loss.labelSmoothing",
      ".learner.overrides.optimiser.learningRate",
      ".learner.overrides.optimiser.clipNorm",
      ".learner.overrides.optimiser.stepsPerBatch",
      ".dashboard.enabled",
      ".log.level",
    ]);
  });
});

it("no time is longer than Node's timers can be set for: those end after 1 ms", () => {
  const times: Record<string, number | undefined> = {};
  const walk = (schema: { properties?: object; maximum?: number }, path: string): void => {
    if (path.endsWith("Ms")) times[path] = schema.maximum;
    for (const [key, value] of Object.entries(schema.properties ?? {})) walk(value as object, `${path}.${key}`);
  };
  walk(settingsJsonSchema(), "");
  expect(Object.keys(times).length).toBeGreaterThan(10);
  expect(Object.entries(times).filter(([, most]) => !(most! < 2 ** 31))).toEqual([]);
});

describe("defaults", () => {
  it("are the pipeline's own", () => {
    const { stream, snapshot, drift } = parseSettings("", "", {});
    const { maxImagePixels: _, ...pipeline } = stream;
    const policy = { snapshotEveryLearned: snapshot.everyLearned, snapshotEveryMs: snapshot.everyMs };
    expect({ ...pipeline, ...policy }).toEqual(defaultStreamSettings);
    expect(drift).toEqual({ ...defaultDriftSettings, rollback: defaultRollbackSettings });
  });
});

describe("examples", () => {
  it("are there", () => {
    expect(examples.toSorted()).toEqual([
      "cameras.yaml",
      "jetson.yaml",
      "many-cameras.yaml",
      "one-camera.yaml",
      "tls.yaml",
    ]);
  });

  it.each(examples)("%s is valid, for the editor too, and says how to run it", (name) => {
    const text = readFileSync(join(config, name), "utf8");
    expect(text.startsWith("# yaml-language-server: $schema=l2p-edge.schema.json\n")).toBe(true);
    expect(text).toContain(`npx l2p-edge run --config config/${name}`);
    const validate = new Ajv2020({ strict: false }).compile(settingsJsonSchema());
    validate(parse(text));
    expect(validate.errors).toBeNull();
    // The TLS example names files that this machine does not have: the only faults an example may have.
    const faults = faultsOf(text, name).filter(
      (line) => !/(passwordFile|caFile|certFile|keyFile): cannot read \/etc/.test(line),
    );
    expect(faults).toEqual([]);
  });
});
