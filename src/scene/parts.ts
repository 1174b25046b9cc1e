import type { Shape } from "./metal.ts";
import { bolt, eyeBolt, screw } from "./shapes/fasteners.ts";
import { nut, wingNut } from "./shapes/nuts.ts";
import { pipeElbow, pipeTee } from "./shapes/pipes.ts";
import { bracket, hinge } from "./shapes/plates.ts";
import { bearing, circlip, flange, washer } from "./shapes/rings.ts";
import { gear, sprocket } from "./shapes/wheels.ts";
import { cotterPin, hook, spring } from "./shapes/wires.ts";

export type PartName =
  | "bolt"
  | "nut"
  | "washer"
  | "gear"
  | "spring"
  | "bracket"
  | "bearing"
  | "screw"
  | "pipe elbow"
  | "flange"
  | "wing nut"
  | "cotter pin"
  | "sprocket"
  | "hinge"
  | "circlip"
  | "eye bolt"
  | "pipe tee"
  | "hook";

/** Every part type by its label. Look-alikes are meant: nut, washer, flange; bolt, screw, eye bolt; gear, sprocket. */
export const shapes: Readonly<Record<PartName, Shape>> = {
  bolt,
  nut,
  washer,
  gear,
  spring,
  bracket,
  bearing,
  screw,
  "pipe elbow": pipeElbow,
  flange,
  "wing nut": wingNut,
  "cotter pin": cotterPin,
  sprocket,
  hinge,
  circlip,
  "eye bolt": eyeBolt,
  "pipe tee": pipeTee,
  hook,
};

/** In the order in which the demo brings them in. */
export const partNames: readonly PartName[] = Object.keys(shapes) as PartName[];
