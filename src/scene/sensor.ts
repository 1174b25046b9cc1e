import type { Rng } from "../kernel/rng.ts";
import type { Condition } from "./condition.ts";

/** The eye of a camera: exposure, lamp colour, vignetting and noise, in place on RGB bytes [side, side, 3]. */
export function expose(pixels: Uint8Array, side: number, condition: Condition, rng: Rng): void {
  const gain = whiteBalance(condition.temperatureK).map((g) => g * condition.light);
  const grain = noiseTable(rng, condition.noise);
  const half = (side - 1) / 2;
  let at = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const r2 = ((x - half) ** 2 + (y - half) ** 2) / (2 * half * half);
      const vignette = 1 - 0.28 * r2;
      // One draw serves a pixel's brightness and its colour noise: the table makes noise cost less than the drawing.
      const draw = Math.floor(rng.uniform() * 0x1_0000_0000);
      const luma = grain[draw & 1023]!;
      for (let c = 0; c < 3; c++, at++) {
        const value = pixels[at]! * gain[c]! * vignette + luma + 0.5 * grain[(draw >>> (10 + 7 * c)) & 1023]!;
        pixels[at] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
}

function noiseTable(rng: Rng, deviation: number): Float32Array {
  return Float32Array.from({ length: 1024 }, () => deviation * rng.normal());
}

/** Red, green, blue under a lamp for a camera balanced at 6,500 K; the largest is at most 1.15. */
function whiteBalance(kelvin: number): number[] {
  const reference = blackBody(6500);
  return blackBody(kelvin).map((value, i) => Math.min(1.15, value / reference[i]!));
}

/** Display colour of a black body, 0…1 (Tanner Helland's fit of Mitchell Charity's table, 1,000…40,000 K). */
function blackBody(kelvin: number): [number, number, number] {
  const t = kelvin / 100;
  return [
    t <= 66 ? 1 : clamp(329.698727446 * (t - 60) ** -0.1332047592),
    t <= 66 ? clamp(99.4708025861 * Math.log(t) - 161.1195681661) : clamp(288.1221695283 * (t - 60) ** -0.0755148492),
    t >= 66 ? 1 : t <= 19 ? 0 : clamp(138.5177312231 * Math.log(t - 10) - 305.0447927307),
  ];
}

function clamp(level: number): number {
  return Math.min(1, Math.max(0, level / 255));
}
