import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether the real one is installed. */
export const hasFfmpeg: boolean = spawnSync("ffmpeg", ["-version"]).status === 0;
export const needsFfmpeg = hasFfmpeg ? "" : " (needs ffmpeg)";

export interface FakeFfmpeg {
  readonly program: string;
  readonly folder: string;
  remove(): void;
}

/** A program that stands in for ffmpeg: a shell script. `$DIR` is a folder of its own. */
export function fakeFfmpeg(script: string): FakeFfmpeg {
  const folder = mkdtempSync(join(tmpdir(), "l2p-edge-ffmpeg-"));
  const program = join(folder, "ffmpeg");
  writeFileSync(program, `#!/bin/sh\nDIR='${folder}'\n${script}\n`);
  chmodSync(program, 0o755);
  return { program, folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** A picture as ffmpeg's `mpjpeg` muxer writes it. */
export function part(picture: Uint8Array): Buffer {
  const header = `--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: ${picture.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(header), picture, Buffer.from("\r\n")]);
}
