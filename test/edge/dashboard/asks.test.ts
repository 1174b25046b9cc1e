import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAsks } from "../../../src/edge/dashboard/asks.ts";
import type { ShownPrediction } from "../../../src/edge/dashboard/inputs.ts";

const said = (frameId: string, confidence: number, wantsLabel = false): ShownPrediction => ({
  frameId,
  label: "nut",
  confidence,
  unknown: false,
  wantsLabel,
  top: [
    ["nut", confidence],
    ["bolt", 0.2],
    ["gear", 0.1],
    ["ring", 0.05],
  ],
  promptIds: [],
  poolVersion: 1,
  latencyMs: 1,
});
const image = Uint8Array.of(1, 2, 3);
const minute = 60_000;

describe("asks", () => {
  it("has the least sure first, with its picture and the three likeliest labels", () => {
    const asks = createAsks(() => minute);
    expect(asks.frame("a", image, said("1", 0.7), 0)).toBe(true);
    expect(asks.frame("b", Uint8Array.of(9), said("2", 0.3), 0)).toBe(true);
    expect(asks.views.map(({ camera, frameId }) => `${camera}/${frameId}`)).toEqual(["b/2", "a/1"]);
    expect(asks.views[0]!.top.map(([label]) => label)).toEqual(["nut", "bolt", "gear"]);
    expect(asks.image("b", "2")).toEqual(Uint8Array.of(9));
    expect(asks.image("a", "2")).toBeUndefined();
  });

  it("of a camera's frames within one and a half seconds only the least sure asks", () => {
    const asks = createAsks(() => minute);
    asks.frame("a", image, said("1", 0.7), 0);
    expect(asks.frame("a", image, said("2", 0.8), 1000)).toBe(false);
    expect(asks.frame("a", image, said("3", 0.4), 1400)).toBe(true);
    expect(asks.frame("b", image, said("4", 0.9), 1400)).toBe(true); // another camera
    expect(asks.frame("a", image, said("5", 0.9), 3000)).toBe(true); // later
    expect(asks.views.map(({ frameId }) => frameId)).toEqual(["3", "4", "5"]);
  });

  it("goes when it was labelled or refused, or when its label could no longer come", () => {
    let windowMs = minute;
    const asks = createAsks(() => windowMs);
    asks.frame("a", image, said("1", 0.1), 0);
    asks.frame("a", image, said("2", 0.2), 20_000);
    expect(asks.settled("b", "1")).toBe(false);
    expect(asks.settled("a", "1")).toBe(true);
    expect(asks.sweep(60_000)).toBe(false);
    // A fifth of the window before its end: a person needs some seconds.
    expect(asks.sweep(20_000 + 0.8 * minute)).toBe(true);
    expect(asks.views).toEqual([]);
    asks.frame("a", image, said("3", 0.2), 100_000);
    windowMs = 1000; // the setting changed
    expect(asks.sweep(101_000)).toBe(true);
  });

  it("takes no picture of more than a mebibyte", () => {
    const asks = createAsks(() => minute);
    expect(asks.frame("a", new Uint8Array(2 ** 20 + 1), said("1", 0.1), 0)).toBe(false);
    expect(asks.views).toEqual([]);
  });

  it("holds the twelve least sure of all that came far enough apart, each frame once", () => {
    const frames = fc.array(
      fc.tuple(
        fc.constantFrom("a", "b"),
        fc.nat(30),
        fc.nat(100).map((percent) => percent / 100),
      ),
      {
        maxLength: 80,
      },
    );
    fc.assert(
      fc.property(frames, (all) => {
        const asks = createAsks(() => 1e9);
        for (const [i, [camera, id, confidence]] of all.entries()) {
          asks.frame(camera, image, said(`${id}`, confidence), i * 2000);
        }
        const ids = asks.views.map(({ camera, frameId }) => `${camera}/${frameId}`);
        const confidences = asks.views.map(({ confidence }) => confidence);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBeLessThanOrEqual(12);
        expect(confidences).toEqual(confidences.toSorted((x, y) => x - y));
        expect(ids.every((id) => asks.image(...(id.split("/") as [string, string])) !== undefined)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
