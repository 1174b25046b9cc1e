import { appError } from "../../kernel/errors.ts";
import { paper, stream } from "../../learner/presets.ts";
import type { LearnerSettings } from "../../learner/settings.ts";
import { type Order, paperEpochs } from "../plan.ts";
import type { BackboneInfo } from "../../backbone/engine.ts";
import { evenParts } from "../../learner/statistics.ts";
import { type ClosedForm, closedFormMethod, type Saved } from "./closed-form.ts";
import { elasticWeights } from "./ewc.ts";
import { fineTuning } from "./fine-tuning.ts";
import { learnerMethod } from "./learner-method.ts";
import { linearProbe } from "./linear-probe.ts";
import { withoutForgetting } from "./lwf.ts";
import type { MethodContext, MethodKind } from "./method.ts";
import { nearestMean } from "./ncm.ts";
import { randomProjectionRidge } from "./ranpac.ts";
import { streamingLda } from "./streaming-lda.ts";

const widthOf = ({ model }: MethodContext): number => model.info.width;
const together = (epochs: number): Order => ({ order: "shuffled", epochs });

/** The preset that L2P's authors use for such data. */
function paperPreset(scenario: string): LearnerSettings {
  if (scenario === "diverse") return paper.fiveDatasets;
  return scenario === "drift" ? paper.core50 : paper.cifar100;
}

/**
 * With the labels of the last 64 samples in the softmax. L2P's authors mask to the classes of the task (`train_mask`), which
 * takes task ids, and without which most of what was learned is unlearned by the next task's cross-entropy.
 */
function maskedPreset(scenario: string): LearnerSettings {
  const preset = paperPreset(scenario);
  return {
    ...preset,
    loss: { ...preset.loss, mask: { kind: "recent", samples: 64, minClasses: 2, priorStrength: 0 } },
  };
}

const defaultUnits = 2000;

function streamKind(name: string, about: string, settings: LearnerSettings, boost?: number): MethodKind {
  return {
    name,
    about,
    sees: settings.heads.includes("prompted") ? "both" : "query",
    asks: true,
    settings: () => (boost === undefined ? settings : { ...settings, boost }),
    create: (context) => learnerMethod(context, { settings, boost }),
  };
}

/** All of them; `methodKind` knows `ranpac-<units>` as well. */
export const methodKinds: readonly MethodKind[] = [
  {
    name: "sequential",
    about: "fine-tuning: all weights, one step a batch",
    sees: "pixels",
    create: (context) => Promise.resolve(fineTuning(context)),
  },
  {
    name: "sequential-frozen",
    about: "a linear head on the frozen backbone, one step a batch",
    sees: "query",
    create: (context) => Promise.resolve(linearProbe(widthOf(context))),
  },
  {
    name: "ewc",
    about: "fine-tuning with elastic weight consolidation; is told the boundaries",
    sees: "pixels",
    create: (context) => Promise.resolve(fineTuning(context, { remedy: elasticWeights(context) })),
  },
  {
    name: "lwf",
    about: "fine-tuning with learning without forgetting; is told the boundaries",
    sees: "pixels",
    create: (context) => Promise.resolve(fineTuning(context, { remedy: withoutForgetting })),
  },
  {
    name: "er",
    about: "fine-tuning with rehearsal of stored images",
    sees: "pixels",
    settings: (_, { bufferPerClass }) => ({ bufferPerClass }),
    create: (context) => Promise.resolve(fineTuning(context, { rehearses: true })),
  },
  {
    name: "l2p",
    about: "L2P as published, without what needs task ids",
    sees: "both",
    asks: true,
    settings: paperPreset,
    create: (context) => learnerMethod(context, { settings: paperPreset(context.scenario) }),
  },
  {
    name: "l2p+mask",
    about: "L2P as published, trained with the labels alone that came lately, where the authors mask to the task's",
    sees: "both",
    asks: true,
    settings: maskedPreset,
    create: (context) => learnerMethod(context, { settings: maskedPreset(context.scenario) }),
  },
  {
    name: "l2p+er",
    about: "l2p with rehearsal of stored images",
    sees: "both",
    settings: (scenario, { bufferPerClass }) => ({ ...paperPreset(scenario), bufferPerClass }),
    create: (context) => learnerMethod(context, { settings: paperPreset(context.scenario), rehearses: true }),
  },
  ...closedFormKinds("ncm", "nearest class mean, by cosine", nearestMean),
  ...closedFormKinds("slda", "streaming linear discriminant analysis", streamingLda),
  ...ridgeKinds("ranpac", defaultUnits),
  {
    name: "joint",
    about: "all weights on all images together, 5 epochs: an upper bound",
    sees: "pixels",
    order: together(paperEpochs),
    create: (context) => Promise.resolve(fineTuning(context)),
  },
  {
    name: "joint-frozen",
    about: "a linear head on all queries together, 20 epochs",
    sees: "query",
    order: together(20),
    create: (context) => Promise.resolve(linearProbe(widthOf(context))),
  },
  streamKind("stream", "the product's stream learner: prompts and statistics, combined", stream),
  streamKind(
    "stream+boost",
    "the stream learner, learning at 1.5 times its rate for a while after a drift",
    stream,
    1.5,
  ),
  streamKind("stream-prompted", "the stream learner's prompted head alone", { ...stream, heads: ["prompted"] }),
  streamKind("stream-statistics", "the stream learner's statistics head alone: no prompts, no gradient", {
    ...stream,
    heads: ["statistics"],
  }),
];

/** One on q(x), and one on all that a query holds, as the product's own statistics take it. */
function closedFormKinds(
  name: string,
  about: string,
  create: (width: number, saved: Saved | undefined, seed: number) => ClosedForm,
): MethodKind[] {
  const kind = (suffix: string, of: string, view: (info: BackboneInfo) => View): MethodKind => ({
    name: name + suffix,
    about: `${about}${of}`,
    sees: "query",
    create: ({ model: { info }, seed }) => {
      const { width, features } = view(info);
      return Promise.resolve(closedFormMethod(features, (saved) => create(width, saved, seed)));
    },
  });
  return [
    kind("", ", of q(x)", ({ width }) => ({ width, features: (query) => query.subarray(0, width) })),
    kind("+tokens", ", of q(x) and the means of patch tokens", ({ width, queryWidth }) => ({
      width: queryWidth,
      features: (query) => evenParts(query, width),
    })),
  ];
}

interface View {
  readonly width: number;
  readonly features: (query: Float32Array) => Float32Array;
}

/** `ranpac` or `ranpac-<units>`; with 0 units, linear ridge on the features themselves. */
function ridgeKinds(name: string, units: number): MethodKind[] {
  const about = units === 0 ? "ridge regression" : `ridge regression on a random projection of ${units} units`;
  return closedFormKinds(name, about, (width, saved, seed) => randomProjectionRidge({ units, width, seed }, saved));
}

/** @throws AppError `evaluate/options` for a name that no method has. */
export function methodKind(name: string): MethodKind {
  const units = /^(ranpac-(\d{1,5}))(?:\+tokens)?$/.exec(name);
  const kinds = units ? ridgeKinds(units[1]!, Number(units[2])) : methodKinds;
  const found = kinds.find((kind) => kind.name === name);
  if (found) return found;
  const names = methodKinds.map((kind) => kind.name).join(", ");
  throw appError("evaluate/options", `no method is named "${name}"; there are ${names}, ranpac-<units>`);
}
