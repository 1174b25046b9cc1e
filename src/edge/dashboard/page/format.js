/** With a no-break space. */
export function percent(share, digits = 0) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)}\u00a0%`;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6
    ? `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`
    : `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

export function number(value) {
  return value.toLocaleString("en");
}

export function clock(ms) {
  return new Date(ms).toTimeString().slice(0, 8);
}
