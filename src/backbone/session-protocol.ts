/** A tensor as it crosses between threads: its buffer is transferred, not copied. */
export type TensorMessage =
  | { readonly type: "float32"; readonly data: Float32Array<ArrayBuffer>; readonly dims: readonly number[] }
  | { readonly type: "uint8"; readonly data: Uint8Array<ArrayBuffer>; readonly dims: readonly number[] };

export type TensorMessages = Readonly<Record<string, TensorMessage>>;

/** ONNX Runtime's names. */
export type Provider = "cpu" | "cuda" | "tensorrt";

export interface SessionOptions {
  /** In order of preference; a node that one cannot run goes to the next, and to the CPU at last. */
  readonly providers: readonly Provider[];
  /** Threads within an operator; 0 lets ONNX Runtime choose. */
  readonly threads: number;
}

export type SessionCall =
  | ({ readonly kind: "load"; readonly session: string; readonly model: Uint8Array<ArrayBuffer> } & SessionOptions)
  | { readonly kind: "run"; readonly session: string; readonly feeds: TensorMessages }
  /** Gives back what every session holds. */
  | { readonly kind: "release" }
  /** Runs a session of its own once with the profiler on: which provider ran each node. */
  | ({
      readonly kind: "profile";
      readonly model: Uint8Array<ArrayBuffer>;
      readonly feeds: TensorMessages;
    } & SessionOptions);

export type SessionRequest = SessionCall & { readonly id: number };

export interface SessionResult {
  readonly outputs: TensorMessages;
  /** Nodes run by each provider, by ONNX Runtime's names (`CPUExecutionProvider` …); of a profile only. */
  readonly nodesByProvider?: Readonly<Record<string, number>>;
}

export type SessionReply = { readonly id: number } & ({ readonly result: SessionResult } | { readonly error: string });

/** The buffers to transfer with a message. */
export function buffersOf(tensors: TensorMessages): ArrayBuffer[] {
  return [...new Set(Object.values(tensors).map((t) => t.data.buffer))];
}
