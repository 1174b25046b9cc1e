import type { DataType } from "../../src/onnx/proto.ts";

interface CudaOperator {
  /** The version of the operator that a graph of opset 20 (com.microsoft 1) asks for (onnx/onnx, docs/Operators.md). */
  readonly version: number;
  /** The kernel's versions as the table has them: `[from, to]`, or `from` where it says "from+". */
  readonly kernel: readonly [from: number, to: number] | number;
  /** Element types of the first input, of those that this project uses. */
  readonly types: readonly DataType[];
}

/**
 * What ONNX Runtime's CUDA provider runs, of what this project's graphs use: microsoft/onnxruntime,
 * docs/OperatorKernels.md at 001d12d, "Operators implemented by CUDAExecutionProvider", read by hand. No GPU was there
 * to try it on.
 */
export const cudaOperators: Readonly<Record<string, CudaOperator>> = {
  Add: { version: 14, kernel: 14, types: ["float32", "int64", "uint8"] },
  Cast: { version: 19, kernel: [19, 20], types: ["bool", "float32", "int64", "uint8"] },
  Concat: { version: 13, kernel: 13, types: ["bool", "float32", "int64", "uint8"] },
  Div: { version: 14, kernel: 14, types: ["float32", "int64", "uint8"] },
  Erf: { version: 13, kernel: 13, types: ["float32"] },
  Exp: { version: 13, kernel: 13, types: ["float32"] },
  Expand: { version: 13, kernel: 13, types: ["bool", "float32", "int64", "uint8"] },
  Gelu: { version: 20, kernel: 20, types: ["float32"] },
  Greater: { version: 13, kernel: 13, types: ["float32", "int64"] },
  Identity: { version: 19, kernel: 19, types: ["bool", "float32", "int64", "uint8"] },
  LayerNormalization: { version: 17, kernel: 17, types: ["float32"] },
  LogSoftmax: { version: 13, kernel: 13, types: ["float32"] },
  MatMul: { version: 13, kernel: 13, types: ["float32"] },
  Max: { version: 13, kernel: 13, types: ["float32", "int64"] },
  Mul: { version: 14, kernel: 14, types: ["float32", "int64", "uint8"] },
  Neg: { version: 13, kernel: 13, types: ["float32", "int64"] },
  // Not to be used: a node of opset 20 asks for version 19, which this kernel does not answer for.
  Pad: { version: 19, kernel: 18, types: ["bool", "float32"] },
  ReduceMean: { version: 18, kernel: 18, types: ["float32"] },
  ReduceSum: { version: 13, kernel: 13, types: ["float32", "int64"] },
  Reshape: { version: 19, kernel: [19, 20], types: ["bool", "float32", "int64", "uint8"] },
  Shape: { version: 19, kernel: [19, 20], types: ["bool", "float32", "int64", "uint8"] },
  Slice: { version: 13, kernel: 13, types: ["bool", "float32", "int64", "uint8"] },
  Softmax: { version: 13, kernel: 13, types: ["float32"] },
  Split: { version: 18, kernel: 18, types: ["bool", "float32", "int64", "uint8"] },
  Sqrt: { version: 13, kernel: 13, types: ["float32"] },
  Sub: { version: 14, kernel: 14, types: ["float32", "int64", "uint8"] },
  Transpose: { version: 13, kernel: [13, 20], types: ["bool", "float32", "int64", "uint8"] },
  "com.microsoft.FusedMatMul": { version: 1, kernel: 1, types: ["float32"] },
};

/**
 * Sizes are computed in int64 from Shape, whose result lies in the CPU's memory: these nodes have CUDA kernels too, but
 * ONNX Runtime keeps them on the CPU by choice (its fallback for nodes that only feed shapes), and a few numbers cross.
 */
export const shapeArithmetic: readonly string[] = ["Add", "Cast", "Concat", "Max", "Sub"];

/** ONNX Runtime's rule (core/framework/kernel_registry.cc): an open-ended kernel answers for its first version only. */
export function runsOnCuda(name: string, type: DataType): boolean {
  const operator = cudaOperators[name];
  if (operator === undefined || !operator.types.includes(type)) return false;
  const { version, kernel } = operator;
  return typeof kernel === "number" ? version === kernel : kernel[0] <= version && version <= kernel[1];
}
