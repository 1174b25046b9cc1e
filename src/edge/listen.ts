import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { appError, type ErrorCode } from "../kernel/errors.ts";

export interface Address {
  /** e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** @returns e.g. `http://127.0.0.1:8080/`. @throws AppError of that code when the address cannot be taken */
export function listen(server: Server, { host, port }: Address, code: ErrorCode): Promise<string> {
  return new Promise((resolve, reject) => {
    // Stays after listening: a failed accept (no file handles left) must not end the process.
    server.on("error", (cause) => {
      reject(appError(code, `cannot serve on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const taken = (server.address() as AddressInfo).port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${taken}/`);
    });
  });
}

/** Ends open connections too. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
