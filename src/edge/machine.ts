import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where Linux tells temperatures; a Jetson has one zone for CPU, GPU and so on. */
const thermalFolder = "/sys/class/thermal";

/** The hottest zone of the box, °C; null where it tells none. */
export async function temperatureC(folder: string = thermalFolder): Promise<number | null> {
  const zones = await readdir(folder).catch(() => []);
  const readings = await Promise.all(
    zones.filter((zone) => zone.startsWith("thermal_zone")).map((zone) => readZone(join(folder, zone, "temp"))),
  );
  const valid = readings.filter((value) => Number.isFinite(value));
  return valid.length === 0 ? null : Math.max(...valid);
}

/** Millidegrees in the file; NaN for a zone that is switched off. */
async function readZone(path: string): Promise<number> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trim() === "" ? Number.NaN : Number(text) / 1000;
}
