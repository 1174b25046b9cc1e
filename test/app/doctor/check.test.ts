import { describe, expect, it } from "vitest";
import { failure } from "../../../src/app/doctor/check.ts";
import { appError } from "../../../src/kernel/errors.ts";

describe("an error as a finding", () => {
  it("has its code, its cause once, and its advice", () => {
    const cause = new Error("ENOENT");
    const found = failure(appError("model/not-found", "cannot read x", { cause }));
    expect(found).toMatchObject({ verdict: "failed", detail: "model/not-found: cannot read x: ENOENT" });
    expect(found).toMatchObject({ advice: expect.stringContaining("manifest.json") });
    const told = failure(appError("mqtt/unreachable", "host: ENOENT", { cause }));
    expect(told.detail).toBe("mqtt/unreachable: host: ENOENT");
  });

  it("without a code is told as it is", () => {
    expect(failure(new Error("broken"))).toMatchObject({ verdict: "failed", detail: "broken" });
    expect(failure("text")).toMatchObject({ verdict: "failed", detail: "text" });
  });
});
