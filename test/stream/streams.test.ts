import { tap } from "rxjs";
import { describe, expect, it } from "vitest";
import { after, done, each, only } from "../../src/stream/streams.ts";
import { marbles } from "../support/marbles.ts";

type Letter = { readonly kind: "a" } | { readonly kind: "b" } | { readonly kind: "c" };
const letters = { a: { kind: "a" }, b: { kind: "b" }, c: { kind: "c" } } as const satisfies Record<string, Letter>;

describe("only", () => {
  it.each([
    [["a"], "-a---a-|"],
    [["a", "c"], "-a-c-a-|"],
    [[], "-------|"],
  ] as const)("keeps the kinds %s", (kinds, expected) => {
    marbles(({ cold, expectObservable }) => {
      const in$ = cold<Letter>("-abc-a-|", letters);
      expectObservable(in$.pipe(only(...kinds))).toBe(expected, letters);
    });
  });

  it("passes an error on", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Letter>("-b-#", letters).pipe(only("a"))).toBe("---#");
    });
  });
});

describe("each", () => {
  it("gives the values of a list at once, in order, and none of an empty one", () => {
    marbles(({ cold, expectObservable }) => {
      const in$ = cold<readonly string[]>("-x---e-y-|", { x: ["a", "b"], e: [], y: ["c"] });
      expectObservable(in$.pipe(each())).toBe("-(ab)--c-|");
    });
  });
});

describe("done", () => {
  it("emits once, when the source completes", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(done(cold("-a-b--|"))).toBe("------(t|)", { t: true });
    });
  });

  it("does not take an error for an end", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(done(cold("-a-#"))).toBe("---#");
    });
  });
});

describe("after", () => {
  it("runs the effect of a value when everyone has it, and before the next", () => {
    const order: string[] = [];
    marbles(({ cold, expectObservable }) => {
      const out$ = cold("-(ab)-c-|").pipe(
        after((value) => order.push(`effect of ${value}`)),
        tap((value) => order.push(`${value} out`)),
      );
      expectObservable(out$).toBe("-(ab)-c-|");
    });
    expect(order).toEqual(["a out", "effect of a", "b out", "effect of b", "c out", "effect of c"]);
  });

  it("ends with an effect that throws, which is a bug", () => {
    marbles(({ cold, expectObservable }) => {
      const fail = (): never => {
        throw new Error("bug");
      };
      expectObservable(cold("-a-b-|").pipe(after(fail))).toBe("-(a#)", undefined, new Error("bug"));
    });
  });
});
