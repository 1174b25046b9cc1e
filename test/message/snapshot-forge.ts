import { createHash } from "node:crypto";

/** A hostile writer's file: any header, any data, and a hash that is right all the same. */
export function forge(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const file = Buffer.alloc(8 + json.length + data.length);
  file.writeBigUInt64LE(BigInt(json.length));
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return rehash(file);
}

/** The same file with what `change` makes of its header. */
export function reforge(
  file: Uint8Array,
  change: (header: { __metadata__: Record<string, string>; [tensor: string]: unknown }) => void,
): Uint8Array {
  const bytes = Buffer.from(file);
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, end));
  change(header);
  return forge(header, bytes.subarray(end));
}

/** As snapshot-container.ts describes it. */
function rehash(file: Buffer): Uint8Array {
  const at = file.indexOf('"sha256":"') + 10;
  if (at < 10) return new Uint8Array(file);
  file.write("0".repeat(64), at, "latin1");
  file.write(createHash("sha256").update(file).digest("hex"), at, "latin1");
  return new Uint8Array(file);
}
