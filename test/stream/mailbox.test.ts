import { describe, expect, it } from "vitest";
import { mailbox } from "../../src/stream/mailbox.ts";
import { marbles } from "../support/marbles.ts";

describe("mailbox", () => {
  const drops: string[] = [];
  const options = (parallel: number, maxKeys = 9): Parameters<typeof mailbox<string, string>>[0] => {
    drops.length = 0;
    return {
      // a, b, c are one camera's frames, x, y another's, other letters cameras of their own
      keyOf: (item) => ("abc".includes(item) ? "1" : "xy".includes(item) ? "2" : item),
      parallel,
      maxKeys,
      dropped: (item, reason) => void drops.push(`${item} ${reason}`),
    };
  };

  it("lets the newest wait while one runs", () => {
    marbles(({ cold, expectObservable }) => {
      const in$ = cold("-a-b-c----|");
      const out$ = in$.pipe(mailbox(options(1), (item) => cold("----r|", { r: item })));
      expectObservable(out$).toBe("-----a----c|");
    });
    expect(drops).toEqual(["b mailbox/replaced"]);
  });

  it("serves cameras in the order in which they began to wait", () => {
    marbles(({ cold, expectObservable }) => {
      const out$ = cold("abxcy-|").pipe(mailbox(options(1), (item) => cold("-----(r|)", { r: item })));
      expectObservable(out$).toBe("-----a----c----(y|)");
    });
    expect(drops).toEqual(["b mailbox/replaced", "x mailbox/replaced"]);
  });

  it("works on several cameras at once, on one frame of each", () => {
    marbles(({ cold, expectObservable }) => {
      const out$ = cold("(abx)|").pipe(mailbox(options(2), (item) => cold("----(r|)", { r: item })));
      expectObservable(out$).toBe("----(ax)(b|)");
    });
  });

  it("bounds the cameras that wait", () => {
    marbles(({ cold, expectObservable }) => {
      const out$ = cold("(apqr)|").pipe(mailbox(options(1, 2), (item) => cold("--(r|)", { r: item })));
      expectObservable(out$).toBe("--a-q-(r|)");
    });
    expect(drops).toEqual(["p mailbox/cameras"]);
  });

  it("passes errors on, which are bugs", () => {
    marbles(({ cold, expectObservable }) => {
      const out$ = cold("-a-b-|").pipe(mailbox(options(1), () => cold("--#")));
      expectObservable(out$).toBe("---#");
    });
  });

  it("stops its work when nobody listens", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold("-----r|");
      expectObservable(cold("-a------|").pipe(mailbox(options(1), () => inner)), "---!").toBe("----");
      expectSubscriptions(inner.subscriptions).toBe("-^-!");
    });
  });
});
