import { describe, expect, test } from "vitest";
import { readProfile } from "../../src/backbone/profile.ts";

function node(op_name: string, provider: string, ...types: string[]): unknown {
  return {
    cat: "Node",
    name: `${op_name}_kernel_time`,
    args: { op_name, provider, output_type_shape: types.map((type) => ({ [type]: [1, 2] })) },
  };
}

describe("a profile", () => {
  test("counts nodes by provider, and tells those that compute on data on the CPU", () => {
    const trace = [
      { cat: "Session", name: "model_run", args: {} },
      node("MatMul", "CUDAExecutionProvider", "float"),
      node("LayerNormalization", "CUDAExecutionProvider", "float", "float"),
      node("Shape", "CPUExecutionProvider", "int64"),
      node("Gelu", "CPUExecutionProvider", "float"),
      node("Gelu", "CPUExecutionProvider", "float16"),
    ];
    expect(readProfile(JSON.stringify(trace))).toEqual({
      nodes: { CUDAExecutionProvider: 2, CPUExecutionProvider: 3 },
      onCpu: { Gelu: 2 },
    });
  });

  test("of a version that tells less says what it can: what may be data counts as data", () => {
    const trace = [{ cat: "Node", args: { provider: "CPUExecutionProvider" } }, { cat: "Node" }, {}];
    expect(readProfile(JSON.stringify(trace))).toEqual({ nodes: { CPUExecutionProvider: 1 }, onCpu: { "?": 1 } });
    expect(readProfile("[]")).toEqual({ nodes: {}, onCpu: {} });
  });

  test("that was cut short is no profile", () => {
    expect(() => readProfile('[{"cat":"Node"')).toThrow(SyntaxError);
  });
});
