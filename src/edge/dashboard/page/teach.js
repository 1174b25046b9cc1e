import { byId, element, setText } from "./dom.js";
import { number, percent } from "./format.js";
import { refusal, send } from "./send.js";

/** Frames that the box asks about, the least sure first; and what it knows. */
let asks = [];
let labels = [];
/** The frame that is being taught. */
let chosen = null;
/** Held still while someone is about to choose. */
let isHeld = false;
/** What was taught here is not asked again, although an older list may still name it. */
const done = new Set();
/** Left for later: offered again when nothing else is open. */
const skipped = new Set();
const buttons = new Map();

const keyOf = ({ camera, frameId }) => `${camera}/${frameId}`;

const hold = (held) => () => {
  isHeld = held;
  if (!held) showStrip();
};

export function startTeach() {
  const strip = byId("asks");
  strip.addEventListener("pointerenter", hold(true));
  strip.addEventListener("pointerleave", hold(false));
  strip.addEventListener("focusin", hold(true));
  strip.addEventListener("focusout", hold(false));
  strip.addEventListener("keydown", walk);
  byId("teach-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const label = byId("teach-label").value.trim();
    if (label) void teach(label);
  });
  byId("teach-form").addEventListener("keydown", (event) => {
    if (event.target === byId("teach-label") || event.ctrlKey || event.metaKey || event.altKey) return;
    // A key that is held must not teach frames that nobody has looked at.
    if (event.repeat) return event.preventDefault();
    const chip = byId("chips").children[Number(event.key) - 1];
    if (/^[1-9]$/.test(event.key) && chip) void teach(chip.dataset.label);
  });
  byId("skip").addEventListener("click", () => {
    if (chosen) skipped.add(keyOf(chosen));
    next();
  });
}

export function allowTeach(isAllowed) {
  byId("teach").hidden = !isAllowed;
}

export function showAsks(list) {
  asks = list;
  if (!isHeld) showStrip();
}

export function knowLabels(list) {
  const names = list.map(({ label }) => label);
  if (names.join("\n") === labels.join("\n")) return;
  labels = names;
  byId("known").replaceChildren(...names.map((value) => element("option", { value })));
}

/** @param picture The image that shows it: copied, since the box may not have it any more. */
export function choose(ask, picture) {
  chosen = ask;
  const canvas = byId("teach-picture");
  const { naturalWidth: width, naturalHeight: height } = picture;
  const side = Math.min(width, height);
  canvas.width = canvas.height = Math.min(side, 480);
  if (side > 0) {
    const from = [(width - side) / 2, (height - side) / 2, side, side];
    canvas.getContext("2d").drawImage(picture, ...from, 0, 0, canvas.width, canvas.height);
  }
  canvas.setAttribute("aria-label", `Frame ${ask.frameId} of ${ask.camera}`);
  const guess = ask.label === null ? "nothing yet" : `${ask.label}, ${percent(ask.confidence)} sure`;
  setText(byId("guess"), `${ask.camera}: the box says ${guess}`);
  const guesses = ask.top.map(([label]) => label);
  const offered = [...guesses, ...labels.filter((label) => !guesses.includes(label))].slice(0, 9);
  byId("chips").replaceChildren(...offered.map(chip));
  byId("teach-label").value = "";
  byId("teach-form").hidden = false;
  showStrip();
}

function chip(label, i) {
  const key = element("kbd", {}, String(i + 1));
  key.setAttribute("aria-hidden", "true");
  const button = element("button", { type: "button", className: "chip" }, key, label);
  button.dataset.label = label;
  button.setAttribute("aria-keyshortcuts", String(i + 1));
  button.addEventListener("click", () => void teach(label));
  return button;
}

async function teach(label) {
  const ask = chosen;
  if (!ask) return;
  const byKeyboard = document.activeElement?.classList.contains("chip") ? "chip" : "text";
  done.add(keyOf(ask));
  tell(`Sending “${label}” …`, "");
  next();
  // The next one is worked on the same way.
  (byKeyboard === "chip" ? byId("chips").firstChild : byId("teach-label"))?.focus();
  const answer = await send("/label", { camera: ask.camera, frameId: ask.frameId, label });
  if (answer.outcome === "learned") {
    const { predicted, poolVersion } = answer;
    const before =
      predicted === null ? "" : predicted === label ? ", as the box had said" : `; the box had said ${predicted}`;
    tell(`Learned: “${label}”${before}. Pool version ${number(poolVersion)}.`, "is-right");
  } else if (answer.outcome === "taken") {
    tell(`“${label}” is safe on disk; it is learned when its turn comes, unless this frame was given it before.`, "");
  } else {
    tell(refusal(answer), "is-wrong");
    done.delete(keyOf(ask));
    showStrip();
  }
}

function next() {
  const others = asks.filter((ask) => !done.has(keyOf(ask)) && !(chosen && keyOf(ask) === keyOf(chosen)));
  if (!others.some((ask) => !skipped.has(keyOf(ask)))) skipped.clear();
  const open = others.find((ask) => !skipped.has(keyOf(ask)));
  const image = open && buttons.get(keyOf(open))?.querySelector("img");
  if (image?.complete && image.naturalWidth > 0) choose(open, image);
  else {
    chosen = null;
    byId("teach-form").hidden = true;
    showStrip();
  }
}

function tell(words, kind) {
  const status = byId("teach-status");
  status.className = `reading ${kind}`;
  setText(status, words);
}

function showStrip() {
  const open = asks.filter((ask) => !done.has(keyOf(ask)));
  byId("no-asks").hidden = open.length > 0;
  const wanted = new Set(open.map(keyOf));
  for (const [key, button] of buttons) {
    if (wanted.has(key)) continue;
    button.parentNode.remove();
    buttons.delete(key);
  }
  const strip = byId("asks");
  open.forEach((ask, i) => {
    const key = keyOf(ask);
    const button = buttons.get(key) ?? askButton(ask);
    buttons.set(key, button);
    button.setAttribute("aria-pressed", String(chosen !== null && key === keyOf(chosen)));
    if (strip.children[i] !== button.parentNode) strip.insertBefore(button.parentNode, strip.children[i] ?? null);
  });
}

function askButton(ask) {
  const path = `/ask/${encodeURIComponent(ask.camera)}/${encodeURIComponent(ask.frameId)}`;
  const image = element("img", { alt: "", src: path, width: 88, height: 88 });
  const words = ask.label === null || ask.unknown ? "?" : `${ask.label}?`;
  const sure = ask.label === null ? "\u00a0" : ask.unknown ? "unknown" : percent(ask.confidence);
  const button = element(
    "button",
    { type: "button", className: "ask" },
    image,
    element("span", {}, words),
    element("small", {}, sure),
  );
  button.setAttribute("aria-label", `Teach a frame of ${ask.camera}, ${ask.label ?? "nothing"} said, ${sure} sure`);
  button.addEventListener("click", () => {
    choose(ask, image);
    byId("teach-label").focus({ preventScroll: false });
  });
  element("li", {}, button);
  return button;
}

function walk(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const item = event.target.closest("li");
  if (!step || !item) return;
  event.preventDefault();
  (step < 0 ? item.previousSibling : item.nextSibling)?.firstChild?.focus();
}
