/** A tensor as it crosses between threads: its buffer is transferred, not copied. */
export type TensorMessage =
  | { readonly type: "float32"; readonly data: Float32Array<ArrayBuffer>; readonly dims: readonly number[] }
  | { readonly type: "uint8"; readonly data: Uint8Array<ArrayBuffer>; readonly dims: readonly number[] };

export type TensorMessages = Readonly<Record<string, TensorMessage>>;

/** ONNX Runtime's names. */
export type Provider = "cpu" | "cuda" | "tensorrt";

export interface SessionOptions {
  readonly model: Uint8Array<ArrayBuffer>;
  /** In order of preference; a node that one cannot run goes to the next, and to the CPU at last. */
  readonly providers: readonly Provider[];
  /** Threads within an operator; 0 lets ONNX Runtime choose. */
  readonly threads: number;
}

/** ONNX Runtime's sessions, by name, in a thread of their own. */
export interface SessionService {
  load(name: string, options: SessionOptions): Promise<void>;
  run(name: string, feeds: TensorMessages): Promise<TensorMessages>;
  /** Runs a session of its own once with the profiler on: how many nodes each provider (`CPUExecutionProvider` …) ran. */
  profile(options: SessionOptions, feeds: TensorMessages): Promise<Readonly<Record<string, number>>>;
  /** Gives back what every session holds. */
  release(): Promise<void>;
}
