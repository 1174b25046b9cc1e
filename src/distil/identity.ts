import { createHash } from "node:crypto";

/** Tells files of one kind apart in a work folder: the same for equal keys, as JSON has them. 16 hex digits. */
export function identityOf(key: object): string {
  return createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 16);
}
