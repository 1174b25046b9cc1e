import type { Tensor } from "../kernel/tensor.ts";
import type { VitArchitecture } from "./architecture.ts";
import type { BackboneInfo } from "./engine.ts";
import type { Manifest } from "./manifest.ts";

/** A backbone's weights, checked, with everything that is needed to run them. */
export interface Model {
  readonly manifest: Manifest;
  readonly architecture: VitArchitecture;
  readonly info: BackboneInfo;
  /** By timm's names, as stored: linear weights [out, in]. `head.weight`, `head.bias` may be absent. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** The .safetensors file they were read from. */
  readonly weightsPath: string;
}
