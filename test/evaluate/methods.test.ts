import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { methodKind, methodKinds } from "../../src/evaluate/methods/catalogue.ts";
import type { LabelledShown, Method } from "../../src/evaluate/methods/method.ts";
import { type MethodWorld, methodWorld } from "../support/method-world.ts";

let world: MethodWorld;
beforeAll(async () => {
  world = await methodWorld();
});
afterAll(() => world.close());

// Thousands of random units are slow.
const names = [...methodKinds.map(({ name }) => (name === "ranpac" ? "ranpac-40" : name)), "ranpac-0"];

/** Rounds over all samples, a batch of six at a time; the last round's answers are by what was known before it. */
async function teach(method: Method, samples: readonly LabelledShown[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < samples.length; i += 6) await method.learn(samples.slice(i, i + 6));
  }
}

describe.each(names)("%s", (name) => {
  const kind = methodKind(name);
  let method: Method;
  beforeAll(async () => {
    method = await kind.create(world.context);
  });
  afterAll(() => method.close?.());

  it("knows nothing at first, and says so before it learns", async () => {
    const [one, two] = world.samples;
    expect((await method.predict([one!]))[0]!.label).toBeNull();
    const said = await method.learn([one!, two!]);
    expect(said.map(({ label }) => label)).toEqual([null, null]);
    expect((await method.predict([one!, two!]))[0]!.label).not.toBeNull();
  });

  it("learns three colours, and keeps them over a boundary", async () => {
    await teach(method, world.samples.slice(0, 30), 6);
    await method.boundary?.();
    await teach(method, world.samples.slice(0, 30), 2);
    const test = world.samples.slice(30);
    const said = await method.predict(test);
    const right = said.filter(({ label }, i) => label === test[i]!.label).length;
    expect(right / test.length).toBeGreaterThan(0.85);
    for (const { confidence = 1 } of said) expect(confidence).toBeGreaterThan(0);
  });

  it("goes on from what it saved as if nothing had happened", async () => {
    const other = await kind.create(world.context);
    try {
      other.restore(structuredClone(method.save()));
      const batch = world.samples.slice(30, 36);
      expect(await other.predict(batch)).toEqual(await method.predict(batch));
      for (const each of [method, other]) {
        await each.learn(batch);
        await each.boundary?.();
        await each.learn(world.samples.slice(36, 40));
      }
      expect(other.save()).toEqual(method.save());
      expect(await other.predict(batch)).toEqual(await method.predict(batch));
      expect(other.stateBytes()).toBe(method.stateBytes());
    } finally {
      await other.close?.();
    }
  });

  it("stays as it is when it predicts, and counts what it keeps", async () => {
    const before = structuredClone(method.save());
    await method.predict(world.samples.slice(0, 5));
    expect(method.save()).toEqual(before);
    expect(method.stateBytes()).toBeGreaterThan(0);
    // A buffer of three images of each of three classes; EWC's lasts until the next boundary.
    expect(new Set(method.bufferedImages?.()).size).toBeLessThanOrEqual(9);
  });
});

describe("the product's learner", () => {
  it.each([
    ["stream", ["prompted", "statistics"], true],
    ["stream+boost", ["prompted", "statistics"], true],
    ["stream-prompted", [], true],
    ["stream-statistics", [], false],
  ] as const)("%s tells the heads that it combines, and its prompts", async (name, heads, prompted) => {
    const method = await methodKind(name).create(world.context);
    await teach(method, world.samples.slice(0, 12), 1);
    const [said] = await method.predict(world.samples.slice(12, 13));
    expect(Object.keys(said!.heads!)).toEqual(heads);
    expect(said!.promptIds).toHaveLength(prompted ? 4 : 0);
  });
});

describe("the catalogue", () => {
  it("says what there is when a name is wrong", () => {
    expect(() => methodKind("l3p")).toThrow(
      expect.objectContaining({ code: "evaluate/options", message: expect.stringContaining("l2p+er") as string }),
    );
  });

  it("has a buffer in rehearsal alone, and EWC's images of the segment that runs", async () => {
    const buffered: string[] = [];
    for (const kind of methodKinds) {
      const method = await kind.create(world.context);
      if (method.bufferedImages) buffered.push(kind.name);
      await method.close?.();
    }
    expect(buffered).toEqual(["ewc", "er", "l2p+er"]);
  });
});
