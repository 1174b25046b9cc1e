import { access } from "node:fs/promises";
import { type Check, type Finding, failed, ok, warning } from "./check.ts";
import { firstLineOf } from "./program.ts";

/** What is asked of the clock; a test answers instead. */
export interface ClockProbes {
  readonly now: () => Date;
  /** Undefined where nobody here knows. */
  readonly isSynchronised: () => Promise<boolean | undefined>;
}

export function clockProbes(): ClockProbes {
  return { now: () => new Date(), isSynchronised };
}

export function clockCheck(probes: ClockProbes): Check {
  return { name: "clock", run: () => clockFinding(probes) };
}

/** A box whose clock lost its battery wakes up in 1970, or at its image's date. */
const earliestYear = 2025;

async function clockFinding({ now, isSynchronised }: ClockProbes): Promise<Finding> {
  const time = now();
  const text = time.toISOString();
  const advice = "Run `timedatectl set-ntp true`, or install chrony: certificates and times in messages need it.";
  if (time.getUTCFullYear() < earliestYear) return failed(`${text} is in the past`, advice);
  switch (await isSynchronised()) {
    case true:
      return ok(`${text}, synchronised`);
    case false:
      return warning(`${text}, not synchronised`, advice);
    default:
      return ok(`${text}; whether it is synchronised is not told here`);
  }
}

async function isSynchronised(): Promise<boolean | undefined> {
  const said = await firstLineOf("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  if (said === "yes" || said === "no") return said === "yes";
  // systemd-timesyncd makes this file (systemd-timesyncd.service(8)).
  const file = await access("/run/systemd/timesync/synchronized").then(
    () => true,
    () => undefined,
  );
  return file;
}
