import { byId, setText, svg } from "./dom.js";
import { number, percent } from "./format.js";

const margin = { left: 38, right: 10, top: 20, bottom: 38 };

let history = { points: [], marks: [], learned: 0 };
let cursor = null;

export function showHistory(next) {
  history = next;
  draw();
}

export function startChart() {
  const chart = byId("chart");
  new ResizeObserver(draw).observe(chart);
  chart.addEventListener("pointermove", (event) => moveTo(event.clientX - chart.getBoundingClientRect().left));
  chart.addEventListener("pointerleave", () => point(null));
  chart.addEventListener("blur", () => point(null));
  chart.addEventListener("keydown", (event) => {
    const last = history.points.length - 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || last < 0) return;
    event.preventDefault();
    point(Math.min(last, Math.max(0, (cursor ?? last) + step)));
  });
}

function scales() {
  const { clientWidth: width, clientHeight: height } = byId("chart");
  const end = Math.max(20, history.learned);
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  return {
    width,
    height,
    end,
    x: (learned) => margin.left + (inner.width * learned) / end,
    y: (share) => margin.top + inner.height * (1 - share),
    learnedAt: (px) => ((px - margin.left) / inner.width) * end,
  };
}

function moveTo(px) {
  const learned = scales().learnedAt(px);
  let nearest = null;
  history.points.forEach(([at], i) => {
    if (nearest === null || Math.abs(at - learned) < Math.abs(history.points[nearest][0] - learned)) nearest = i;
  });
  point(nearest);
}

function point(index) {
  cursor = index;
  draw();
}

function draw() {
  const chart = byId("chart");
  const scale = scales();
  if (scale.width === 0) return;
  const { points } = history;
  const children = [...bands(scale), ...axes(scale), ...marks(scale)];
  if (points.length > 0) children.push(...lines(scale, points));
  if (cursor !== null && points[cursor]) children.push(...cross(scale, points[cursor]));
  chart.replaceChildren(svg("svg", { width: scale.width, height: scale.height, "aria-hidden": "true" }, ...children));
  describe(chart, points);
}

function describe(chart, points) {
  const at = points[cursor ?? points.length - 1];
  const words = at
    ? `After ${number(at[0])} labels: ${percent(at[2])} of the last ones right, ${percent(at[1])} since the start`
    : "No label has been learned yet";
  chart.setAttribute("aria-label", `Accuracy over labels learned. ${words}. Arrow keys move along the line.`);
  const reading = byId("reading");
  // Read out while someone moves along the line, silent while the line grows by itself.
  reading.setAttribute("aria-live", cursor === null ? "off" : "polite");
  setText(reading, words);
}

function axes({ width, end, x, y }) {
  const rules = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    svg("line", { class: "rule", x1: margin.left, x2: width - margin.right, y1: y(share), y2: y(share) }),
    svg("text", { x: margin.left - 7, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
  ]);
  const ticks = ticksUpTo(end)
    .filter((learned) => x(learned) < width - 110)
    .map((learned) =>
      svg("text", { x: x(learned), y: y(0) + 35, "text-anchor": learned === 0 ? "start" : "middle" }, number(learned)),
    );
  const unit = svg("text", { x: width - margin.right, y: y(0) + 35, "text-anchor": "end" }, "labels learned");
  return [...rules, ...ticks, unit];
}

/** About five round numbers. */
function ticksUpTo(end) {
  const rough = end / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

/** Phases as bands under their names. */
function bands({ end, x, y }) {
  const phases = history.marks.filter((mark) => mark.kind === "phase");
  return phases.flatMap(({ at, text }, i) => {
    const from = x(at);
    const width = x(phases[i + 1]?.at ?? end) - from;
    const shown = fit(text, width - 8);
    const name = svg("text", { class: "phase", x: from + 5, y: margin.top - 7 }, shown);
    const band = svg("rect", { class: "band", x: from, y: y(1), width: Math.max(0, width), height: y(0) - y(1) });
    return i % 2 === 1 ? [band, name] : [name];
  });
}

/** As much of a text as fits; 6.2 px is the mean width of a letter at this size. */
function fit(text, width) {
  const letters = Math.floor(width / 6.2);
  if (text.length <= letters) return text;
  return letters < 4 ? "" : `${text.slice(0, letters - 1)}…`;
}

function marks(scale) {
  const { x, y } = scale;
  const drifts = history.marks.filter((mark) => mark.kind === "drift");
  return [
    ...drifts.flatMap(({ at, text }) => [
      svg("line", { class: "drift-line", x1: x(at), x2: x(at), y1: y(1), y2: y(0) }),
      svg("path", { class: "drift", d: `M${x(at)} ${y(1) - 5}l5 5l-5 5l-5 -5Z` }, svg("title", {}, text)),
    ]),
    ...newLabels(scale),
  ];
}

/** A triangle for each new label; those that stand close share one name: `nut +3`. */
function newLabels({ width, x, y }) {
  /** @type {{ at: number, names: string[] }[]} */
  const groups = [];
  for (const { at, kind, text } of history.marks) {
    if (kind !== "label") continue;
    const group = groups.at(-1);
    if (group && x(at) - x(group.at) < 6.2 * group.names[0].length + 36) group.names.push(text);
    else groups.push({ at, names: [text] });
  }
  const triangles = history.marks
    .filter((mark) => mark.kind === "label")
    .map(({ at, text }) =>
      svg("path", { class: "new-label", d: `M${x(at)} ${y(0) - 1}l4 8h-8Z` }, svg("title", {}, text)),
    );
  const words = groups.map(({ at, names }) => {
    const text = names.length === 1 ? names[0] : `${names[0]} +${names.length - 1}`;
    return svg("text", { x: Math.min(x(at) - 4, width - 6.2 * text.length), y: y(0) + 19 }, text);
  });
  return [...triangles, ...words];
}

function lines({ x, y }, points) {
  const path = (column) =>
    points.map((row, i) => `${i === 0 ? "M" : "L"}${x(row[0]).toFixed(1)} ${y(row[column]).toFixed(1)}`).join("");
  const last = points.at(-1);
  return [
    svg("path", { class: "area", d: `${path(2)}L${x(last[0])} ${y(0)}L${x(points[0][0])} ${y(0)}Z` }),
    svg("path", { class: "overall", d: path(1) }),
    svg("path", { class: "windowed", d: path(2) }),
    svg("circle", { class: "dot", cx: x(last[0]), cy: y(last[2]), r: 4.5 }),
  ];
}

function cross({ x, y }, [learned, , windowed]) {
  return [
    svg("line", { class: "cross", x1: x(learned), x2: x(learned), y1: y(1), y2: y(0) }),
    svg("circle", { class: "dot", cx: x(learned), cy: y(windowed), r: 4.5 }),
  ];
}
