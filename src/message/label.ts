import { appError } from "../kernel/errors.ts";

/** The longest label, in bytes of UTF-8. */
const maxLabelBytes = 128;
/** The longest JSON form: room for escapes of every byte. */
const maxJsonBytes = 1024;

// ignoreBOM keeps a byte order mark as text, so that no two payloads silently become one label.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The payload of a label message: the label as plain text, or `{"label": "…"}` when it begins with `{`.
 * @throws AppError `label/empty`, `label/too-long`, `label/not-utf8`, `label/control-character`, `label/bad-json`
 */
export function decodeLabel(payload: Uint8Array): string {
  const isJson = payload[0] === 0x7b;
  if (payload.length > (isJson ? maxJsonBytes : maxLabelBytes)) {
    throw appError("label/too-long", `${payload.length} bytes`);
  }
  const text = decodeUtf8(payload);
  return checkLabel(isJson ? labelOfJson(text) : text);
}

/**
 * A label as it is learned: in Unicode's normal form NFC, so that two ways of writing "é" are one class.
 * @throws AppError `label/empty`, `label/too-long`, `label/not-utf8`, `label/control-character`
 */
export function checkLabel(text: string): string {
  const label = text.normalize("NFC");
  if (label.trim() === "") throw appError("label/empty", "the label has no visible character");
  // A lone surrogate (possible in JSON escapes) has no UTF-8.
  if (/\p{Cs}/u.test(label)) throw appError("label/not-utf8", "the label holds half a surrogate pair");
  if (/[\p{Cc}\u2028\u2029]/u.test(label)) {
    throw appError("label/control-character", "the label holds a control character (perhaps a line end)");
  }
  const bytes = encoder.encode(label).length;
  if (bytes > maxLabelBytes) throw appError("label/too-long", `${bytes} bytes, at most ${maxLabelBytes}`);
  return label;
}

export function encodeLabel(label: string): Uint8Array {
  const checked = checkLabel(label);
  return encoder.encode(checked.startsWith("{") ? JSON.stringify({ label: checked }) : checked);
}

function decodeUtf8(payload: Uint8Array): string {
  try {
    return utf8.decode(payload);
  } catch (cause) {
    throw appError("label/not-utf8", "the bytes are no valid UTF-8", { cause });
  }
}

function labelOfJson(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw appError("label/bad-json", "the payload begins with { but is no JSON", { cause });
  }
  const label = value instanceof Object && "label" in value ? value.label : undefined;
  if (typeof label !== "string") throw appError("label/bad-json", "the JSON has no text under `label`");
  return label;
}
