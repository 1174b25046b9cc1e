/** Where the nodes of one run of a graph ran. */
export interface PassProfile {
  /** Nodes by provider, by ONNX Runtime's names: `CPUExecutionProvider` … */
  readonly nodes: Readonly<Record<string, number>>;
  /** Those on the CPU that compute on data, by operator. What computes sizes belongs there, whatever runs the rest. */
  readonly onCpu: Readonly<Record<string, number>>;
}

/** One run each, by the engine's methods. */
export interface Profile {
  readonly query: PassProfile;
  readonly prompted: PassProfile;
  readonly step: PassProfile;
}

/** The part of ONNX Runtime's profile (Chrome's trace format) that is read here. */
interface ProfileEvent {
  readonly cat?: string;
  readonly args?: {
    readonly provider?: string;
    readonly op_name?: string;
    /** An output each: its element type, and its shape. */
    readonly output_type_shape?: readonly Readonly<Record<string, unknown>>[];
  };
}

/** Sizes are whole numbers; everything else of a ViT is not. */
const sizeTypes: ReadonlySet<string> = new Set(["int64", "int32", "bool"]);

/** @param trace the profile file of a session that ran once. @throws SyntaxError when it is no JSON */
export function readProfile(trace: string): PassProfile {
  const nodes: Record<string, number> = {};
  const onCpu: Record<string, number> = {};
  for (const { cat, args } of JSON.parse(trace) as readonly ProfileEvent[]) {
    if (cat !== "Node" || args?.provider === undefined) continue;
    const { provider, op_name: operator = "?", output_type_shape: outputs = [] } = args;
    nodes[provider] = (nodes[provider] ?? 0) + 1;
    const isOfSizes =
      outputs.length > 0 && outputs.every((output) => Object.keys(output).every((t) => sizeTypes.has(t)));
    if (provider === "CPUExecutionProvider" && !isOfSizes) onCpu[operator] = (onCpu[operator] ?? 0) + 1;
  }
  return { nodes, onCpu };
}
