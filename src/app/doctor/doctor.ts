import { errorHints, isAppError } from "../../kernel/errors.ts";
import { loadSettings, type LoadedSettings, type Variables } from "../../settings/load.ts";
import { brokerCheck } from "./broker.ts";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";
import { clockCheck, clockProbes } from "./clock.ts";
import { diskChecks, diskProbes } from "./disk.ts";
import { machineChecks, machineProbes } from "./machine.ts";
import { modelChecks } from "./model.ts";
import { runtimeProbes } from "./runtime-probes.ts";
import { runtimeChecks } from "./runtime.ts";
import { surroundingsChecks, surroundingsProbes } from "./surroundings.ts";

/** Everything that a node with this configuration needs, in the order in which it needs it. */
export function doctorChecks(config: string | undefined, variables: Variables): readonly Check[] {
  const { settings, finding } = configured(config, variables);
  return [
    { name: "configuration", run: async () => finding },
    ...machineChecks(machineProbes()),
    ...runtimeChecks(settings.model, runtimeProbes()),
    ...modelChecks(settings),
    ...diskChecks(settings, diskProbes()),
    clockCheck(clockProbes()),
    brokerCheck(settings),
    ...surroundingsChecks(settings, surroundingsProbes()),
  ];
}

/** A configuration that is wrong is a finding; the other checks then take the defaults. */
function configured(
  config: string | undefined,
  variables: Variables,
): { readonly settings: LoadedSettings; readonly finding: Finding } {
  try {
    const settings = loadSettings(config, variables);
    const { warnings } = settings;
    const what = config ?? "none given: the defaults";
    const finding = warnings.length === 0 ? ok(what) : warning(warnings.join("; "), "See config/ for examples.");
    return { settings, finding };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const faults = error.message.replaceAll("\n", "; ");
    const finding = failed(
      `${error.code}: ${faults}`,
      `${errorHints[error.code]} The rest is checked by the defaults.`,
    );
    return { settings: loadSettings(undefined, {}), finding };
  }
}
