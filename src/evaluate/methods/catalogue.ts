import { appError } from "../../kernel/errors.ts";
import { paper, stream } from "../../learner/presets.ts";
import type { LearnerSettings } from "../../learner/settings.ts";
import { type Order, paperEpochs } from "../plan.ts";
import { closedFormMethod } from "./closed-form.ts";
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

const defaultUnits = 2000;

function streamKind(name: string, about: string, settings: LearnerSettings): MethodKind {
  return {
    name,
    about,
    sees: settings.heads.includes("prompted") ? "both" : "query",
    asks: true,
    settings: () => settings,
    create: (context) => learnerMethod(context, { settings }),
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
    name: "l2p+er",
    about: "the same with rehearsal of stored images",
    sees: "both",
    settings: (scenario, { bufferPerClass }) => ({ ...paperPreset(scenario), bufferPerClass }),
    create: (context) => learnerMethod(context, { settings: paperPreset(context.scenario), rehearses: true }),
  },
  {
    name: "ncm",
    about: "nearest class mean of q(x), by cosine",
    sees: "query",
    create: (context) =>
      Promise.resolve(closedFormMethod(widthOf(context), (saved) => nearestMean(widthOf(context), saved))),
  },
  {
    name: "slda",
    about: "streaming linear discriminant analysis of q(x)",
    sees: "query",
    create: (context) =>
      Promise.resolve(closedFormMethod(widthOf(context), (saved) => streamingLda(widthOf(context), saved))),
  },
  ridgeKind("ranpac", defaultUnits),
  {
    name: "joint",
    about: "all weights on all images together, 5 epochs: an upper bound",
    sees: "pixels",
    order: together(paperEpochs),
    create: (context) => Promise.resolve(fineTuning(context)),
  },
  {
    name: "joint-frozen",
    about: "a linear head on all queries together, 20 epochs: an upper bound of linear heads",
    sees: "query",
    order: together(20),
    create: (context) => Promise.resolve(linearProbe(widthOf(context))),
  },
  streamKind("stream", "the product's stream learner: prompts and statistics, combined", stream),
  streamKind("stream-prompted", "the same with its prompted head alone", { ...stream, heads: ["prompted"] }),
  streamKind("stream-statistics", "the same with its statistics head alone: no prompts, no gradient", {
    ...stream,
    heads: ["statistics"],
  }),
];

/** `ranpac` or `ranpac-<units>`; with 0 units, linear ridge on q(x) itself. */
function ridgeKind(name: string, units: number): MethodKind {
  return {
    name,
    about: units === 0 ? "ridge regression on q(x)" : `ridge regression on a random projection of ${units} units`,
    sees: "query",
    create: (context) =>
      Promise.resolve(
        closedFormMethod(widthOf(context), (saved) =>
          randomProjectionRidge({ units, width: widthOf(context), seed: context.seed }, saved),
        ),
      ),
  };
}

/** @throws AppError `evaluate/options` for a name that no method has. */
export function methodKind(name: string): MethodKind {
  const units = /^ranpac-(\d{1,5})$/.exec(name)?.[1];
  const found = units ? ridgeKind(name, Number(units)) : methodKinds.find((kind) => kind.name === name);
  if (found) return found;
  const names = methodKinds.map((kind) => kind.name).join(", ");
  throw appError("evaluate/options", `no method is named "${name}"; there are ${names}, ranpac-<units>`);
}
