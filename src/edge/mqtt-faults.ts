import { appError, isAppError, type AppError, type ErrorCode } from "../kernel/errors.ts";

/** CONNACK, PUBACK and DISCONNECT codes: below 128 those of MQTT 3.1.1 (3.2.2.3), else of MQTT 5 (2.4). */
const byReasonCode: ReadonlyMap<number, ErrorCode> = new Map([
  [1, "mqtt/version"],
  [132, "mqtt/version"],
  [4, "mqtt/auth"],
  [5, "mqtt/auth"],
  [134, "mqtt/auth"],
  [135, "mqtt/auth"],
  [138, "mqtt/auth"],
  [140, "mqtt/auth"],
  [142, "mqtt/taken-over"],
]);

const tlsCode = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|CRL/;
const networkCode = /^E[A-Z_]+$/;

/** Any error of a connection as one a person can act on. @param where host:port, for the message. */
export function mqttFault(error: unknown, where: string): AppError {
  if (isAppError(error)) return error;
  const { message, code } = error as { message: string; code?: unknown };
  if (typeof code === "number") return reasonFault(code, `${where}: ${message}`, error);
  if (typeof code === "string") {
    if (tlsCode.test(code)) return appError("mqtt/tls", `${where}: ${message} (${code})`, { cause: error });
    if (networkCode.test(code)) return appError("mqtt/unreachable", `${where}: ${message || code}`, { cause: error });
  }
  if (/timeout/i.test(message)) return appError("mqtt/unreachable", `${where}: ${message}`, { cause: error });
  return appError("mqtt/protocol", `${where}: ${message}`, { cause: error });
}

export function reasonFault(reasonCode: number, message: string, cause?: unknown): AppError {
  return appError(byReasonCode.get(reasonCode) ?? "mqtt/refused", `${message} (code ${reasonCode})`, { cause });
}
