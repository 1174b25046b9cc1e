import { bar, byId, element, setText, svg } from "./dom.js";
import { age, percent } from "./format.js";
import { choose } from "./teach.js";
import { serverNow } from "./time.js";

/** Cards by camera name: they are changed in place, so that pictures do not flicker. */
const cards = new Map();

export function showCameras({ cameras }) {
  const list = byId("cameras");
  byId("no-cameras").hidden = cameras.length > 0;
  const names = new Set(cameras.map((camera) => camera.name));
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    card.node.remove();
    cards.delete(name);
  }
  cameras.forEach((camera, position) => {
    const card = cards.get(camera.name) ?? createCard(camera.name);
    cards.set(camera.name, card);
    if (list.children[position] !== card.node) list.insertBefore(card.node, list.children[position] ?? null);
    card.show(camera);
  });
}

function createCard(name) {
  const image = element("img", { alt: `Newest frame of ${name}` });
  const button = element(
    "button",
    { type: "button", className: "frame" },
    image,
    element("span", { className: "for-teachers" }, "Teach this"),
  );
  const ageText = element("p", { className: "age" });
  const label = element("p", { className: "label" });
  const confidence = element("p");
  const fill = bar(0);
  const others = element("p", { className: "others" });
  const verdict = element("p", { className: "verdict" });
  const outcomes = svg("svg", { class: "outcomes", role: "img", preserveAspectRatio: "none" });
  const node = element(
    "li",
    { className: "camera" },
    element("div", { className: "between" }, element("h3", {}, name), ageText),
    button,
    element("div", { className: "between" }, label, confidence),
    fill,
    others,
    verdict,
    outcomes,
  );
  let shown = 0;
  /** What the picture shows. */
  let current;
  button.addEventListener("click", () => {
    if (!current || document.querySelector("#teach[hidden]")) return;
    choose(current, image);
    document.querySelector("#teach-label").focus();
  });
  let loading = false;
  /** The frame whose picture the box did not have when it was asked. */
  let missing;

  function showPrediction(camera) {
    const resembles = camera.unknown ? `unknown, most like ${camera.label}` : camera.label;
    setText(label, resembles ?? "no label learned yet");
    setText(confidence, camera.label === null ? "" : percent(camera.confidence));
    fill.firstChild.style.width = `${100 * camera.confidence}%`;
    setText(others, alternatives(camera));
    image.alt = `Newest frame of ${name}, seen as ${resembles ?? "nothing yet"}`;
  }

  function show(camera) {
    const silentMs = serverNow() - camera.at;
    setText(ageText, silentMs < 2000 ? "live" : `${age(silentMs)} ago`);
    showVerdict(verdict, camera.verdict);
    showOutcomes(outcomes, camera.outcomes);
    // One request at a time; the words change when their own picture is there.
    if (camera.sequence === shown || loading) return;
    loading = true;
    const abandoned = new AbortController();
    const settle = (hasPicture) => {
      abandoned.abort();
      loading = false;
      if (!hasPicture && missing !== camera.sequence) {
        // A newer one came meanwhile, most likely: words and picture stay as they are until that is here.
        missing = camera.sequence;
        return;
      }
      if (!hasPicture) image.removeAttribute("src");
      shown = camera.sequence;
      current = hasPicture ? { ...camera, camera: name } : undefined;
      showPrediction(camera);
    };
    image.addEventListener("load", () => settle(true), { once: true, signal: abandoned.signal });
    image.addEventListener("error", () => settle(false), { once: true, signal: abandoned.signal });
    image.src = `/frame/${encodeURIComponent(name)}?${camera.sequence}`;
  }

  return { node, show };
}

function alternatives({ top }) {
  const rest = top.slice(1).filter(([, share]) => share >= 0.005);
  // A no-break space keeps the line's height.
  return rest.length === 0 ? "\u00a0" : `or ${rest.map(([label, share]) => `${label} ${percent(share)}`).join(", ")}`;
}

function showVerdict(node, verdict) {
  if (!verdict) {
    setText(node, "No label has come yet");
    return;
  }
  const { frameId, label, predicted, correct } = verdict;
  const key = `${frameId}/${label}`;
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  const words = correct
    ? `right: ${label}`
    : predicted === null
      ? `labelled ${label}`
      : `said ${predicted}, is ${label}`;
  const [kind, sign] = correct === null ? ["", "·"] : correct ? ["is-right", "✓"] : ["is-wrong", "✗"];
  const mark = element("b", { className: kind }, sign);
  node.replaceChildren(mark, element("span", {}, `${words} (frame ${frameId})`));
}

function showOutcomes(node, outcomes) {
  if (node.dataset.outcomes === outcomes) return;
  node.dataset.outcomes = outcomes;
  node.setAttribute("viewBox", "0 0 200 14");
  const right = outcomes.replaceAll("0", "").length;
  node.setAttribute("aria-label", `${right} of the last ${outcomes.length} labels were predicted right`);
  const start = 40 - outcomes.length;
  node.replaceChildren(
    ...Array.from(outcomes, (outcome, i) => {
      const hit = outcome === "1";
      const shape = hit ? { class: "hit", y: 5, height: 9 } : { class: "miss", y: 0, height: 14 };
      return svg("rect", { ...shape, x: (start + i) * 5, width: 3.4, rx: 1 });
    }),
  );
}
