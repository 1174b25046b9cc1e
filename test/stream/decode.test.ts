import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/kernel/clock.ts";
import { decode, frameIds, type DecodeOptions } from "../../src/stream/decode.ts";
import { defaultStreamSettings } from "../../src/stream/settings.ts";
import { frame, label, message, testTopics } from "../support/fake-stream.ts";
import { marbles } from "../support/marbles.ts";

const options = (): DecodeOptions => ({
  topics: testTopics,
  clock: fakeClock(),
  settings: defaultStreamSettings,
  nextFrameId: frameIds("boot"),
});

describe("decode", () => {
  it("makes a value of every message", () => {
    marbles(({ cold, expectObservable }) => {
      const in$ = cold("-f-x-l-c-|", {
        f: frame("cam", "1"),
        x: message("elsewhere", "?"),
        l: label("cam", "1", "bolt"),
        c: message(testTopics.command("snapshot"), "{}"),
      });
      expectObservable(
        in$.pipe(
          decode(options()),
          map(({ kind }) => kind[0]),
        ),
      ).toBe("-f-r-l-c-|");
    });
  });

  it("gives an id to a frame that has none, another each time and each start", () => {
    marbles(({ cold, expectObservable }) => {
      const in$ = cold("-f-f-|", { f: message(testTopics.frame("cam"), "x") });
      const id$ = in$.pipe(
        decode(options()),
        map((arrived) => (arrived.kind === "frame" ? arrived.frame.frameId : "")),
      );
      expectObservable(id$).toBe("-a-b-|", { a: "boot-1", b: "boot-2" });
    });
    expect(frameIds()()).not.toBe(frameIds()());
    expect(frameIds()()).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  });

  it("settles a command before it runs, so that none runs twice", () => {
    const command = message(testTopics.command("restore"), "{}");
    marbles(({ cold, flush }) => {
      cold("c|", { c: command }).pipe(decode(options())).subscribe();
      flush();
    });
    expect(command.settled).toBe(1);
  });
});
