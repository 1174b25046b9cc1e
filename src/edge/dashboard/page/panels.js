import { allowCommands, labelButtons, restoreButton } from "./commands.js";
import { bar, byId, element, setText } from "./dom.js";
import { age, bytes, clock, number, percent } from "./format.js";
import { showHeads } from "./prompts.js";
import { showRuns } from "./runs.js";
import { allowTeach } from "./teach.js";
import { serverNow } from "./time.js";

export function showSummary(summary) {
  setText(byId("node"), summary.node);
  document.title = `${summary.node} · l2p-edge`;
  showStatus(summary.status, summary.paused);
  allowTeach(summary.teach);
  allowCommands(summary.teach, summary.paused);
  showRuns(summary);
  const facts = [summary.model, summary.provider, `up ${age(serverNow() - summary.startedAt)}`];
  if (summary.memoryBytes) facts.push(`${bytes(summary.memoryBytes)} memory`);
  setText(byId("facts"), facts.filter(Boolean).join(" · "));
  setText(byId("window-key"), `last ${summary.windowLength} labels`);
  showHeads(summary.heads);
  const { latencyMs, rates, dropped, rejected } = summary;
  const latency = latencyMs?.prediction;
  showTiles([
    ["Accuracy, lately", percent(summary.windowed), `of ${summary.windowLength}`, "lead"],
    ["Accuracy, overall", percent(summary.overall)],
    ["Labels learned", number(summary.learned)],
    ["Different labels", number(summary.labels)],
    ["Frames a second", rates?.framesPerSecond.toFixed(1) ?? "–"],
    ["Latency, median", latency ? latency.p50.toFixed(0) : "–", latency ? `ms, p99 ${latency.p99.toFixed(0)}` : ""],
    ["Frames dropped", dropped === undefined ? "–" : number(dropped), rejected ? `${number(rejected)} refused` : ""],
    ["Pool version", number(summary.poolVersion)],
  ]);
}

export function showStatus(status, paused = false) {
  const pill = byId("status");
  const words = paused && status === "online" ? "online, learning paused" : status;
  setText(pill, status === "lost" ? "connection lost, trying again" : words);
  pill.dataset.status = status;
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

/** Rows by their key, changed in place: a button that someone is about to press stays where it is. */
function showRows(body, rows, items, keyOf, create) {
  const wanted = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (wanted.has(key)) continue;
    row.node.remove();
    rows.delete(key);
  }
  items.forEach((item, i) => {
    const row = rows.get(keyOf(item)) ?? create(item);
    rows.set(keyOf(item), row);
    row.show(item);
    if (body.children[i] !== row.node) body.insertBefore(row.node, body.children[i] ?? null);
  });
}

const classRows = new Map();

export function showClasses(classes) {
  showRows(byId("classes"), classRows, classes, ({ label }) => label, classRow);
}

function classRow({ label }) {
  const count = element("td", { className: "number" });
  const right = element("td", { className: "number" });
  const fill = bar(0);
  const lately = element("span");
  const node = element(
    "tr",
    {},
    element("td", {}, label),
    count,
    right,
    element("td", {}, element("div", { className: "between" }, fill, lately)),
    element("td", { className: "for-teachers" }, labelButtons(label)),
  );
  const show = (row) => {
    node.className = row.recent !== null && row.recent < 0.6 ? "weak" : "";
    setText(count, number(row.count));
    setText(right, percent(row.judged ? row.right / row.judged : null));
    fill.firstChild.style.width = `${100 * (row.recent ?? 0)}%`;
    setText(lately, percent(row.recent));
  };
  return { node, show };
}

const snapshotRows = new Map();

export function showSnapshots(snapshots) {
  showRows(byId("snapshots"), snapshotRows, snapshots, ({ name }) => name, snapshotRow);
}

function snapshotRow(snapshot) {
  const { poolVersion, accuracy, sizeBytes, createdAt } = snapshot;
  const sent = element("td", { className: "number" });
  const old = element("td", { className: "number" });
  const node = element(
    "tr",
    {},
    element("td", {}, number(poolVersion)),
    element("td", { className: "number" }, percent(accuracy)),
    element("td", { className: "number" }, bytes(sizeBytes)),
    sent,
    old,
    element("td", { className: "for-teachers" }, element("span", { className: "actions" }, restoreButton(snapshot))),
  );
  const show = ({ publishedBytes }) => {
    setText(sent, publishedBytes === null ? "–" : bytes(publishedBytes));
    setText(old, age(serverNow() - Date.parse(createdAt)));
  };
  return { node, show };
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
