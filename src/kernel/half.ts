/**
 * IEEE 754 binary16 and bfloat16 to and from float32, whole arrays at a time.
 * Bits are little-endian 16-bit words, as in files.
 */

let halfValues: Float32Array | undefined;

/** Exact. */
export function halfToFloat32(bits: Uint16Array): Float32Array {
  // All 65,536 values once: a table look-up is several times faster than decoding each number.
  const table = (halfValues ??= Float32Array.from({ length: 65_536 }, (_, half) => decodeHalf(half)));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]!]!;
  return values;
}

/** Rounded to nearest, ties to even; beyond ±65,504 (after rounding) becomes ±Infinity; NaN stays NaN. */
export function float32ToHalf(values: Float32Array): Uint16Array {
  const word = new Float32Array(1);
  const wordBits = new Uint32Array(word.buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    word[0] = values[i]!;
    halves[i] = encodeHalf(wordBits[0]!);
  }
  return halves;
}

/** Exact: bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

function decodeHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** From the bits of a float32. */
function encodeHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x4780_0000) return sign | 0x7c00; // at least 2^16, or infinite
  if (magnitude >= 0x3880_0000) {
    // Normal, at least 2^-14: move the exponent's bias, round the 13 lost bits; a carry runs into the exponent rightly.
    return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x3300_0000) return sign; // below 2^-25: nearer to 0 than to the smallest
  // Subnormal: the fraction with its hidden bit, shifted to steps of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7f_ffff) | 0x80_0000;
  const lost = fraction & ((1 << shift) - 1);
  const halfway = 1 << (shift - 1);
  const kept = fraction >>> shift;
  return sign | (kept + (lost > halfway || (lost === halfway && (kept & 1) === 1) ? 1 : 0));
}
