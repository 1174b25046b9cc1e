/** The node's clock as this browser knows it: a phone's own may be minutes off. */
let offsetMs = 0;

export function setServerNow(ms) {
  offsetMs = ms - Date.now();
}

export function serverNow() {
  return Date.now() + offsetMs;
}
