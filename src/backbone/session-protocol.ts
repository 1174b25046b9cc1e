import type { PassProfile } from "./profile.ts";

/** A tensor as it crosses between threads; see worker-protocol.ts. */
export type TensorMessage =
  | { readonly type: "float32"; readonly data: Float32Array<ArrayBuffer>; readonly dims: readonly number[] }
  | { readonly type: "uint8" | "bool"; readonly data: Uint8Array<ArrayBuffer>; readonly dims: readonly number[] };

export type TensorMessages = Readonly<Record<string, TensorMessage>>;

/** ONNX Runtime's names. */
export type Provider = "cpu" | "cuda" | "tensorrt";

/** A provider, or TensorRT with ONNX Runtime's own options for it (`trt_…`). */
export type ProviderChoice =
  | Provider
  | { readonly name: "tensorrt"; readonly deviceId: number; readonly options: Readonly<Record<string, string>> };

export interface SessionOptions {
  readonly model: Uint8Array<ArrayBuffer>;
  /** In order of preference; a node that one cannot run goes to the next, and to the CPU at last. */
  readonly providers: readonly ProviderChoice[];
  /** Threads within an operator; 0 lets ONNX Runtime choose. */
  readonly threads: number;
  /** Where the weights lie that the model only points to; they are mapped. */
  readonly weightsFolder?: string | undefined;
  /** Lays the weights out once more, as the processor likes them: faster, and a second copy of them. */
  readonly prepack: boolean;
}

/** ONNX Runtime's sessions, by names that their caller gives them. */
export interface SessionService {
  load(session: string, options: SessionOptions): Promise<void>;
  run(session: string, feeds: TensorMessages): Promise<TensorMessages>;
  /** Runs a session of its own once with the profiler on. */
  profile(options: SessionOptions, feeds: TensorMessages): Promise<PassProfile>;
  /** Gives back what every session holds. */
  release(): Promise<void>;
}
