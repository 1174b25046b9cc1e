import type { Engine, HeadKind } from "../../backbone/engine.ts";
import type { Model } from "../../backbone/model.ts";
import type { LearnerState } from "../../kernel/state.ts";
import type { Order } from "../plan.ts";

/** One image as a method sees it. */
export interface Shown {
  /** The scenario's index: only for `MethodContext.recall`, as a stand-in for stored bytes. */
  readonly image: number;
  /** As `Engine.query` says, [F], q(x) first; empty for a method that does not use it. */
  readonly query: Float32Array;
  /** sRGB [imageSize, imageSize, 3]; empty for a method that sees queries only. */
  readonly pixels: Uint8Array;
}

export interface LabelledShown extends Shown {
  readonly label: string;
}

/** What a method says of an image. */
export interface Said {
  /** Null before the first label. */
  readonly label: string | null;
  /** Its probability, 0…1, where the method has probabilities. */
  readonly confidence?: number;
  /** The labels of the parts that it combines. */
  readonly heads?: Readonly<Record<string, string | null>>;
  /** The prompts it selected. */
  readonly promptIds?: readonly number[];
  /** How novel it looks, where the method has a measure of that. */
  readonly novelty?: { readonly score: number; readonly unknown: boolean };
  /** How near it is to what was learned, −1…1, null before the first label, where the method watches for drift. */
  readonly similarity?: number | null;
  /** How much its label would teach, 0…1, where the method can ask for labels. */
  readonly doubt?: number;
}

/** A way of learning, as it runs. One caller at a time. */
export interface Method {
  /** Learns a batch. Returns what it said of each just before: predict first, then learn. */
  learn(batch: readonly LabelledShown[]): Promise<readonly Said[]>;
  predict(batch: readonly Shown[]): Promise<readonly Said[]>;
  /** A segment has ended: only what was published with task boundaries gets to know. */
  boundary?(): Promise<void>;
  /** What it has to keep for going on, without the frozen backbone and without stored images, bytes. */
  stateBytes(): number;
  /** Stored images; a rehearsal method's buffer. */
  bufferedImages?(): readonly number[];
  /** Everything: one restored from it goes on as if nothing had happened. */
  save(): LearnerState;
  restore(state: LearnerState): void;
  close?(): Promise<void>;
}

export interface MethodSettings {
  /** Images that a rehearsal buffer keeps of each class. */
  readonly bufferPerClass: number;
}

/** What a method may use. */
export interface MethodContext {
  readonly scenario: string;
  readonly seed: number;
  readonly settings: MethodSettings;
  readonly model: Model;
  /** The frozen backbone with that head in its training step; made at the first call, closed by the harness. */
  engine(head: HeadKind): Promise<Engine>;
  /** 0 lets ONNX Runtime choose. */
  readonly threads: number;
  /** Images that the method has stored, as they were shown. */
  recall(images: readonly number[]): Promise<readonly Shown[]>;
}

/** A way of learning, by its name. */
export interface MethodKind {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** What it needs of an image. `query` alone spares decoding. */
  readonly sees: "query" | "pixels" | "both";
  /** It can ask for the labels that it wants. */
  readonly asks?: true;
  /** How it wants the images; absent for those that take them as they come, once or by the protocol's epochs. */
  readonly order?: Order;
  /** What shapes it and may change from one version to the next: a result tells, and is void when it changed. */
  settings?(scenario: string, settings: MethodSettings): object;
  create(context: MethodContext): Promise<Method>;
}
