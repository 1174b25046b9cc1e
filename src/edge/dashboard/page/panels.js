import { bar, byId, element, setText, svg } from "./dom.js";
import { age, bytes, clock, number, percent } from "./format.js";
import { serverNow } from "./time.js";

export function showSummary(summary) {
  setText(byId("node"), summary.node);
  document.title = `${summary.node} · l2p-edge`;
  showStatus(summary.status);
  const facts = [summary.model, summary.provider, `up ${age(serverNow() - summary.startedAt)}`];
  if (summary.memoryBytes) facts.push(`${bytes(summary.memoryBytes)} memory`);
  setText(byId("facts"), facts.filter(Boolean).join(" · "));
  setText(byId("window-key"), `last ${summary.windowLength} labels`);
  setText(byId("heads"), heads(summary.heads));
  const { latencyMs, framesPerSecond, dropped, rejected } = summary;
  showTiles([
    ["Accuracy, lately", percent(summary.windowed), `of ${summary.windowLength}`, "lead"],
    ["Accuracy, overall", percent(summary.overall)],
    ["Labels learned", number(summary.learned)],
    ["Different labels", number(summary.labels)],
    ["Frames a second", framesPerSecond?.toFixed(1) ?? "–"],
    [
      "Latency, median",
      latencyMs ? latencyMs.p50.toFixed(0) : "–",
      latencyMs ? `ms, p90 ${latencyMs.p90.toFixed(0)}` : "",
    ],
    ["Frames dropped", dropped === undefined ? "–" : number(dropped), rejected ? `${number(rejected)} refused` : ""],
    ["Pool version", number(summary.poolVersion)],
  ]);
}

export function showStatus(status) {
  const pill = byId("status");
  setText(pill, status === "lost" ? "connection lost, trying again" : status);
  pill.dataset.status = status;
}

/** What each head alone gets right lately, and what it weighs in the answer. */
function heads(list = []) {
  return list
    .map(({ name, accuracy, weight }) => `${name} head ${percent(accuracy)} right, weight ${percent(weight)}`)
    .join(" · ");
}

function showTiles(tiles) {
  const list = byId("tiles");
  if (list.children.length !== tiles.length) {
    list.replaceChildren(
      ...tiles.map(([name, , , kind = ""]) =>
        element(
          "div",
          { className: kind },
          element("dt", {}, name),
          element("dd", {}, element("span"), element("small")),
        ),
      ),
    );
  }
  tiles.forEach(([, value, unit = ""], i) => {
    const [text, small] = list.children[i].querySelectorAll("span, small");
    setText(text, value);
    setText(small, unit);
  });
}

export function showClasses(classes) {
  const rows = classes.map(({ label, count, judged, right, recent }) =>
    element(
      "tr",
      { className: recent !== null && recent < 0.6 ? "weak" : "" },
      element("td", {}, label),
      element("td", { className: "number" }, number(count)),
      element("td", { className: "number" }, percent(judged ? right / judged : null)),
      element(
        "td",
        {},
        element("div", { className: "between" }, bar(recent ?? 0), element("span", {}, percent(recent))),
      ),
    ),
  );
  byId("classes").replaceChildren(...rows);
}

export function showSnapshots(snapshots) {
  const rows = snapshots.map(({ version, sizeBytes, accuracy, at }) =>
    element(
      "tr",
      {},
      element("td", {}, number(version)),
      element("td", { className: "number" }, bytes(sizeBytes)),
      element("td", { className: "number" }, percent(accuracy)),
      element("td", { className: "number" }, age(serverNow() - at)),
    ),
  );
  byId("snapshots").replaceChildren(...rows);
}

const marks = { label: "▲", drift: "◆", phase: "▸", note: "·", snapshot: "↧", status: "●", rejected: "✗", camera: "◉" };

export function showEvents(lines) {
  const items = lines.map(({ at, kind, text, times }) => {
    const mark = element("b", {}, marks[kind] ?? "·");
    mark.setAttribute("aria-hidden", "true");
    const words = times > 1 ? `${text} (${number(times)} times)` : text;
    return element("li", { className: kind }, mark, element("span", {}, words), element("time", {}, clock(at)));
  });
  byId("events").replaceChildren(...items);
}

export function showPrompts({ use, active }) {
  const box = byId("prompts");
  const { clientWidth: width, clientHeight: height } = box;
  const total = use.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...use);
  const step = width / Math.max(1, use.length);
  const bars = use.flatMap((count, id) => {
    const tall = Math.max(2, ((height - 40) * count) / most);
    const middle = step * (id + 0.5);
    const shape = { x: step * (id + 0.14), y: height - 20 - tall, width: step * 0.72, height: tall, rx: 3 };
    const share = svg(
      "text",
      { x: middle, y: height - 25 - tall, "text-anchor": "middle" },
      total ? String(Math.round((100 * count) / total)) : "",
    );
    return [
      svg("rect", { ...shape, class: active.includes(id) ? "used active" : "used" }),
      ...(step > 22 ? [share] : []),
      ...(step > 16 || id % 5 === 0
        ? [svg("text", { x: middle, y: height - 5, "text-anchor": "middle" }, String(id))]
        : []),
    ];
  });
  box.replaceChildren(svg("svg", { width, height, "aria-hidden": "true" }, ...bars));
  const words = use.map((count, id) => `${id}: ${percent(total ? count / total : 0)}`).join(", ");
  box.setAttribute("aria-label", `Share of each prompt in all selections, percent. ${words}`);
}
