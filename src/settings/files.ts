import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Secret, secret } from "./secret.ts";
import type { Settings } from "./types.ts";
import type { Fault } from "./fault.ts";

export interface FileFindings {
  readonly password: Secret | undefined;
  /** What the page asks for. */
  readonly token: Secret | undefined;
  /** Paths found in the credentials folder, to be used where the settings name none. */
  readonly keyFile: string | undefined;
  readonly faults: readonly Fault[];
  /** For the log: what is not wrong, but unwise. */
  readonly warnings: readonly string[];
}

const maxPasswordBytes = 65_535;

/**
 * Reads the password and the page's token, and looks whether the TLS files can be read.
 * @param credentials systemd's `$CREDENTIALS_DIRECTORY`: `mqtt-password`, `mqtt-key` and `dashboard-token` there serve where the settings name no file.
 */
export function inspectFiles({ mqtt, dashboard, sources }: Settings, credentials: string | undefined): FileFindings {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const inCredentials = (name: string): string | undefined =>
    credentials !== undefined && isReadable(join(credentials, name)) ? join(credentials, name) : undefined;

  const passwordFile = mqtt.passwordFile ?? (mqtt.username === undefined ? undefined : inCredentials("mqtt-password"));
  const keyFile = mqtt.tls.certFile === undefined ? undefined : (mqtt.tls.keyFile ?? inCredentials("mqtt-key"));
  if (mqtt.tls.certFile !== undefined && keyFile === undefined) {
    faults.push({
      path: ["mqtt", "tls", "certFile"],
      problem: "needs `keyFile` beside it, or the systemd credential mqtt-key",
    });
  }
  for (const name of ["caFile", "certFile", "keyFile"] as const) {
    const file = mqtt.tls[name];
    if (file !== undefined && !isReadable(file)) {
      faults.push({ path: ["mqtt", "tls", name], problem: `cannot read ${file}: check the path and its permissions` });
    }
  }
  for (const file of [mqtt.passwordFile, mqtt.tls.keyFile, dashboard.tokenFile]) {
    if (file !== undefined && isOpenToOthers(file)) warnings.push(`${file} can be read by others: chmod 600 it`);
  }
  const read = (file: string | undefined, path: Fault["path"]): Secret | undefined => {
    if (file === undefined) return undefined;
    try {
      return readPassword(file);
    } catch (error) {
      faults.push({ path, problem: `cannot read ${file}: ${(error as Error).message}` });
      return undefined;
    }
  };
  const password = read(passwordFile, ["mqtt", "passwordFile"]);
  const token = read(dashboard.tokenFile ?? inCredentials("dashboard-token"), ["dashboard", "tokenFile"]);
  for (const [camera, source] of Object.entries(sources)) {
    const file = "passwordFile" in source ? source.passwordFile : undefined;
    if (file === undefined) continue;
    read(file, ["sources", camera, "passwordFile"]); // again at each start of the source
    if (isOpenToOthers(file)) warnings.push(`${file} can be read by others: chmod 600 it`);
  }
  return { password, token, keyFile, faults, warnings };
}

/** The first line, without its end. @throws Error */
function readPassword(file: string): Secret {
  if (statSync(file).size > maxPasswordBytes) throw new Error("it is too large for a password");
  const line = readFileSync(file, "utf8").split(/\r?\n/, 1)[0]!;
  if (line === "") throw new Error("its first line is empty");
  return secret(line);
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isOpenToOthers(file: string): boolean {
  try {
    return (statSync(file).mode & 0o077) !== 0;
  } catch {
    return false;
  }
}
